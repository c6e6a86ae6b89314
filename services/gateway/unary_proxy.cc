#include "services/gateway/unary_proxy.h"

#include <optional>

#include "common/status/status.h"

namespace alma::gateway {

grpc::ServerUnaryReactor* UnaryProxy::Begin(const rpc::Method& method, const Destination& to,
                                            limit::CongestionWindows& windows,
                                            grpc::CallbackServerContext& context,
                                            const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
  auto* const proxy = new UnaryProxy(method, to, windows, context, in, out);
  const auto forward = [proxy](const absl::Status& admitted) { proxy->Forward(admitted); };
  if (to.runtime.hold.held()) {
    to.runtime.hold.Pass([proxy, forward] { proxy->forwarding_.Admit(forward); });
    return proxy;
  }
  const std::optional<absl::Status> admitted = proxy->forwarding_.TryAdmit();
  if (admitted.has_value() && !admitted->ok()) {
    // gRPC takes leave of this one without another thread.
    grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
    reactor->Finish(proxy->forwarding_.Close(*admitted));
    delete proxy;
    return reactor;
  }
  if (admitted.has_value()) {
    forward(*admitted);
  } else {
    proxy->forwarding_.AdmitLater(forward);
  }
  return proxy;
}

UnaryProxy::UnaryProxy(const rpc::Method& method, const Destination& to,
                       limit::CongestionWindows& windows, grpc::CallbackServerContext& context,
                       const grpc::ByteBuffer& in, grpc::ByteBuffer* out)
    : method_(method),
      forwarding_(method, to, context, to.runtime.default_deadline, &windows),
      in_(in),
      out_(out) {}

void UnaryProxy::Forward(const absl::Status& admitted) {
  if (!admitted.ok()) return Finish(forwarding_.Close(admitted));
  // The client ended the call, or was gone, before it sent a message; gRPC aborts when none is sent
  // on.
  if (!in_.Valid()) return Finish(forwarding_.Close(status::MalformedRequest()));
  grpc::GenericStub& stub = forwarding_.Start();
  // This object may be gone when UnaryCall returns.
  stub.UnaryCall(&forwarding_.backend_context(), method_.path, {}, &in_, out_,
                 [this](const grpc::Status& status) { Answer(status); });
}

void UnaryProxy::Answer(const grpc::Status& status) {
  forwarding_.TellChange(status, *out_);
  Finish(forwarding_.Close(status));
}

}  // namespace alma::gateway
