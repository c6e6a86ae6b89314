#pragma once

#include <map>

#include "common/limit/congestion_window.h"
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
  // Of each method's unary calls: what is too much of one may not be too much of another.
  std::map<const rpc::Method*, limit::CongestionWindows> windows_;
};

}  // namespace alma::gateway
