#include "services/gateway/service.h"

#include "services/gateway/stream_proxy.h"
#include "services/gateway/unary_proxy.h"

namespace alma::gateway {

ForwardedService::ForwardedService(const google::protobuf::ServiceDescriptor& descriptor,
                                   const Destination& to)
    : BytesService(descriptor, to.runtime.metrics), to_(to) {
  for (const auto& method : methods()) windows_.try_emplace(method.get());
}

grpc::ServerUnaryReactor* ForwardedService::BeginUnary(const rpc::Method& method,
                                                       grpc::CallbackServerContext& context,
                                                       const grpc::ByteBuffer& in,
                                                       grpc::ByteBuffer* out) {
  return UnaryProxy::Begin(method, to_, windows_.find(&method)->second, context, in, out);
}

rpc::BytesService::Stream* ForwardedService::BeginStream(const rpc::Method& method,
                                                         grpc::CallbackServerContext& context) {
  return new StreamProxy(method, to_, context);
}

}  // namespace alma::gateway
