#pragma once

#include <grpcpp/support/byte_buffer.h>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/rpc/call.h"

namespace alma::rpc {

// A unary call for a handler that returns before it is answered. It may be used until that handler
// has seen to it that FinishLate is called.
class LateCall {
 public:
  virtual Call call() const = 0;
  // Its request, not compressed.
  virtual const grpc::ByteBuffer& in() const = 0;

  // See Completion::check_awaited, check_known, check_admitted and on_worker.
  virtual absl::Status CheckAwaited() const = 0;
  virtual absl::Status CheckKnown() = 0;
  virtual absl::Status CheckAdmitted() = 0;
  virtual bool OnWorker() const = 0;

  // Ends the call with what `serialize` makes of the answer. Once, from any thread.
  virtual void FinishLate(absl::FunctionRef<absl::Status(grpc::ByteBuffer* out)> serialize) = 0;

 protected:
  ~LateCall() = default;
};

}  // namespace alma::rpc
