#include "common/rpc/bytes_service.h"

#include <utility>

#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include "common/auth/scopes.h"

namespace alma::rpc {
namespace {

using Bytes = grpc::ByteBuffer;

}  // namespace

BytesService::BytesService(const google::protobuf::ServiceDescriptor& descriptor,
                           metrics::Calls& metrics)
    : descriptor_(descriptor) {
  using grpc::internal::RpcMethod;
  methods_.reserve(descriptor.method_count());
  for (int i = 0; i < descriptor.method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *descriptor.method(i);
    auto entry = std::make_unique<Method>();
    entry->path = "/" + descriptor.full_name() + "/" + method.name();
    entry->scope = auth::ScopeOf(method);
    entry->metrics = metrics.Add(entry->path);
    const bool streams = method.client_streaming() || method.server_streaming();
    AddMethod(new grpc::internal::RpcServiceMethod(
        entry->path.c_str(), streams ? RpcMethod::BIDI_STREAMING : RpcMethod::NORMAL_RPC, nullptr));
    if (streams) {
      MarkMethodRawCallback(i,
                            new grpc::internal::CallbackBidiHandler<Bytes, Bytes>(
                                [this, known = entry.get()](grpc::CallbackServerContext* context) {
                                  return BeginStream(*known, *context);
                                }));
    } else {
      MarkMethodRawCallback(i, new grpc::internal::CallbackUnaryHandler<Bytes, Bytes>(
                                   [this, known = entry.get()](grpc::CallbackServerContext* context,
                                                               const Bytes* in, Bytes* out) {
                                     return BeginUnary(*known, *context, *in, out);
                                   }));
    }
    methods_.push_back(std::move(entry));
  }
}

BytesService::~BytesService() = default;

}  // namespace alma::rpc
