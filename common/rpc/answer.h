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

// One unary call, from its bytes to its answer: everything that is the same for every method. The
// gRPC thread checks key, limits and scope where none of it has to be waited for, so that who is
// refused does not queue; then it queues the call. A worker checks them, or whether they still
// hold, inflates and parses the bytes, runs the handler, and ends the call with the translated
// status, a log line and the metrics. A late handler does not block, so where neither the caller
// has to be waited for nor the request is large it runs at once on the gRPC thread. The one place
// where an exception of a handler ends up, as INTERNAL.
class Answer final : public LateCall {
 public:
  static grpc::ServerUnaryReactor* Begin(const Method& method, Runtime& runtime,
                                         grpc::CallbackServerContext& context,
                                         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  Call call() const override { return {record_.caller(), record_.deadline()}; }
  const grpc::ByteBuffer& in() const override { return *in_; }
  absl::Status CheckAwaited() const override { return record_.CheckAwaited(); }
  absl::Status CheckKnown() override { return record_.CheckKnown(); }
  absl::Status CheckAdmitted() override { return record_.Admit(); }
  bool OnWorker() const override { return on_worker_; }
  // Ends this object, too.
  void FinishLate(absl::FunctionRef<absl::Status(grpc::ByteBuffer*)> serialize) override {
    Finish(record_.Guard([&] { return serialize(out_); }));
  }

 private:
  Answer(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  // Once it was let pass by the runtime's Hold.
  void Queue();
  // Whether an admitted call needs no worker.
  bool MayRunAtOnce() const;
  void Run();
  void Run(absl::FunctionRef<absl::Status()> admit);
  absl::Status Handle();
  // Ends the call and this object.
  void Finish(const absl::Status& status);

  const Method& method_;
  WorkerPool& workers_;
  CallRecord record_;
  // From Handle on without compression.
  const grpc::ByteBuffer* in_;
  grpc::ByteBuffer inflated_;
  grpc::ByteBuffer* const out_;
  grpc::ServerUnaryReactor* const reactor_;
  bool on_worker_ = false;
};

}  // namespace alma::rpc
