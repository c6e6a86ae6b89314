#include "common/rpc/service.h"

#include <cstdlib>
#include <utility>

#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>

#include "common/auth/scopes.h"
#include "common/log/log.h"
#include "common/rpc/answer.h"
#include "common/rpc/stream.h"

namespace alma::rpc {
namespace {

using Bytes = grpc::ByteBuffer;

}  // namespace

Service::Service(const google::protobuf::ServiceDescriptor& descriptor, Runtime& runtime)
    : descriptor_(descriptor), runtime_(runtime) {
  using grpc::internal::RpcMethod;
  for (int i = 0; i < descriptor.method_count(); ++i) {
    const google::protobuf::MethodDescriptor& method = *descriptor.method(i);
    auto entry = std::make_unique<Method>();
    entry->path = "/" + descriptor.full_name() + "/" + method.name();
    entry->scope = auth::ScopeOf(method);
    entry->metrics = runtime.metrics.Add(entry->path);
    const bool streams = method.client_streaming() || method.server_streaming();
    AddMethod(new grpc::internal::RpcServiceMethod(
        entry->path.c_str(), streams ? RpcMethod::BIDI_STREAMING : RpcMethod::NORMAL_RPC, nullptr));
    if (streams) {
      MarkMethodRawCallback(i,
                            new grpc::internal::CallbackBidiHandler<Bytes, Bytes>(
                                [this, known = entry.get()](grpc::CallbackServerContext* context) {
                                  return new Stream(*known, runtime_, stream_bytes_, *context);
                                }));
    } else {
      MarkMethodRawCallback(i, new grpc::internal::CallbackUnaryHandler<Bytes, Bytes>(
                                   [this, known = entry.get()](grpc::CallbackServerContext* context,
                                                               const Bytes* in, Bytes* out) {
                                     return Answer::Begin(*known, runtime_, *context, *in, out);
                                   }));
    }
    methods_.push_back(std::move(entry));
  }
}

Service::~Service() = default;

void Service::SetHandler(std::string_view name, const google::protobuf::Descriptor& request,
                         const google::protobuf::Descriptor& response, Method::Handler handler) {
  Find(name, request, response).handler = std::move(handler);
}

void Service::SetStream(std::string_view name, const google::protobuf::Descriptor& request,
                        const google::protobuf::Descriptor& response,
                        Method::NewStream new_stream) {
  Find(name, request, response).new_stream = std::move(new_stream);
}

Method& Service::Find(std::string_view name, const google::protobuf::Descriptor& request,
                      const google::protobuf::Descriptor& response) {
  const google::protobuf::MethodDescriptor* method =
      descriptor_.FindMethodByName(std::string(name));
  if (method == nullptr || method->input_type() != &request || method->output_type() != &response) {
    log::Error("no_such_method", {{"service", descriptor_.full_name()}, {"method", name}});
    std::abort();
  }
  return *methods_[method->index()];
}

}  // namespace alma::rpc
