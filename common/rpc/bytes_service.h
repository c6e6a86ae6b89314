#pragma once

#include <memory>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "common/metrics/metrics.h"
#include "common/rpc/method.h"
#include "google/protobuf/descriptor.h"

namespace alma::rpc {

// A gRPC service of which every method of the descriptor is registered as bytes: unary methods as
// such, the three streaming shapes as bidirectional streams, which look the same on the wire.
class BytesService : public grpc::Service {
 public:
  using Stream = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  ~BytesService() override;

  const google::protobuf::ServiceDescriptor& descriptor() const { return descriptor_; }
  // In the order of the descriptor.
  const std::vector<std::unique_ptr<Method>>& methods() const { return methods_; }

  // The server is about to take no more calls and to wait for those in flight: streams that have no
  // end of their own end now. Thread-safe.
  virtual void Drain() {}

 protected:
  BytesService(const google::protobuf::ServiceDescriptor& descriptor, metrics::Calls& metrics);

  // Begins a call, on a gRPC thread, so neither may block. `in`, `out` and `context` live as long
  // as the call, the method as long as this object.
  virtual grpc::ServerUnaryReactor* BeginUnary(const Method& method,
                                               grpc::CallbackServerContext& context,
                                               const grpc::ByteBuffer& in,
                                               grpc::ByteBuffer* out) = 0;
  virtual Stream* BeginStream(const Method& method, grpc::CallbackServerContext& context) = 0;

  // The method at this place in the descriptor; it may change until the server starts.
  Method& method(int index) { return *methods_[index]; }

 private:
  const google::protobuf::ServiceDescriptor& descriptor_;
  std::vector<std::unique_ptr<Method>> methods_;
};

}  // namespace alma::rpc
