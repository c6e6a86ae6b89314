#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "common/rpc/call_record.h"
#include "common/rpc/method.h"

namespace alma::rpc {

// One unary call, from its bytes to its answer: everything that is the same for every method. On
// the gRPC thread it only queues itself; a worker then checks the key, the scope and the bytes, in
// this order, runs the handler, and ends the call with the translated status, a log line and the
// metrics. The one place where an exception of a handler ends up, as INTERNAL.
class Answer {
 public:
  static grpc::ServerUnaryReactor* Begin(const Method& method, Runtime& runtime,
                                         grpc::CallbackServerContext& context,
                                         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

 private:
  Answer(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  void Queue();
  void Run();
  absl::Status Handle();
  // Ends the call and this object.
  void Finish(const absl::Status& status);

  const Method& method_;
  WorkerPool& workers_;
  CallRecord record_;
  const grpc::ByteBuffer& in_;
  grpc::ByteBuffer* const out_;
  grpc::ServerUnaryReactor* const reactor_;
};

}  // namespace alma::rpc
