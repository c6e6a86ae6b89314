#pragma once

#include "common/rpc/bytes_service.h"
#include "services/gateway/forwarding.h"

namespace alma::gateway {

// A service of which every call is forwarded. Nothing of its messages is parsed.
class ForwardedService final : public rpc::BytesService {
 public:
  ForwardedService(const google::protobuf::ServiceDescriptor& descriptor, const Destination& to);

 private:
  grpc::ServerUnaryReactor* BeginUnary(const rpc::Method& method,
                                       grpc::CallbackServerContext& context,
                                       const grpc::ByteBuffer& in, grpc::ByteBuffer* out) override;
  Stream* BeginStream(const rpc::Method& method, grpc::CallbackServerContext& context) override;

  const Destination to_;
};

}  // namespace alma::gateway
