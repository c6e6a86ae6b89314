#include "services/gateway/unary_proxy.h"

#include <utility>

#include "common/status/status.h"

namespace alma::gateway {

UnaryProxy::UnaryProxy(const rpc::Method& method, const Destination& to,
                       limit::CongestionWindow& window, grpc::CallbackServerContext& context,
                       const grpc::ByteBuffer& in, grpc::ByteBuffer* out)
    : method_(method),
      forwarding_(method, to, context, to.runtime.default_deadline, &window),
      in_(in),
      out_(out) {
  to.runtime.hold.Pass(
      [this] { forwarding_.Admit([this](const absl::Status& admitted) { Forward(admitted); }); });
}

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
