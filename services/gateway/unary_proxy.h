#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "common/limit/congestion_window.h"
#include "services/gateway/forwarding.h"

namespace alma::gateway {

// One unary call, forwarded as such; a compressed request stays so.
class UnaryProxy final : public grpc::ServerUnaryReactor {
 public:
  // What answers the call; one that is refused at once needs nothing of this. `windows`: of this
  // method's calls. `in` and `out` live as long as the call.
  static grpc::ServerUnaryReactor* Begin(const rpc::Method& method, const Destination& to,
                                         limit::CongestionWindows& windows,
                                         grpc::CallbackServerContext& context,
                                         const grpc::ByteBuffer& in, grpc::ByteBuffer* out);

  void OnCancel() override { forwarding_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  UnaryProxy(const rpc::Method& method, const Destination& to, limit::CongestionWindows& windows,
             grpc::CallbackServerContext& context, const grpc::ByteBuffer& in,
             grpc::ByteBuffer* out);

  void Forward(const absl::Status& admitted);
  void Answer(const grpc::Status& status);

  const rpc::Method& method_;
  Forwarding forwarding_;
  const grpc::ByteBuffer& in_;
  grpc::ByteBuffer* const out_;
};

}  // namespace alma::gateway
