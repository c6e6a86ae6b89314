#pragma once

#include <cstddef>

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/rpc/call_record.h"
#include "common/rpc/late_call.h"
#include "common/rpc/method.h"

namespace alma::rpc {

// The largest request of which a late handler begins on the gRPC thread, and none that is
// compressed.
inline constexpr size_t kMaxBytesAtOnce = 64 * 1024;

// One unary call, from its bytes to its answer: everything that is the same for every method. On
// the gRPC thread it only queues itself; a worker then checks the key, the scope and the bytes, in
// this order, runs the handler, and ends the call with the translated status, a log line and the
// metrics. A late handler does not block, so where neither the caller has to be waited for nor the
// request is large it runs at once on the gRPC thread. The one place where an exception of a
// handler ends up, as INTERNAL.
class Answer final : public LateCall {
 public:
  static grpc::ServerUnaryReactor* Begin(const Method& method, Runtime& runtime,
                                         grpc::CallbackServerContext& context,
                                         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  Call call() const override { return {record_.caller(), record_.deadline()}; }
  const grpc::ByteBuffer& in() const override { return in_; }
  absl::Status CheckAwaited() const override { return record_.CheckAwaited(); }
  // Ends this object, too.
  void FinishLate(absl::FunctionRef<absl::Status(grpc::ByteBuffer*)> serialize) override {
    Finish(record_.Guard([&] { return serialize(out_); }));
  }

 private:
  Answer(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  // Once it was let pass by the runtime's Hold.
  void Queue();
  // False where it has to be a worker that runs it.
  bool TryRunAtOnce();
  void Run();
  void Run(absl::FunctionRef<absl::Status()> admit);
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
