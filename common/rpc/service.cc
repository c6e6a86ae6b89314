#include "common/rpc/service.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "common/log/log.h"
#include "common/rpc/answer.h"
#include "common/rpc/stream.h"

namespace alma::rpc {

Service::Service(const google::protobuf::ServiceDescriptor& descriptor, Runtime& runtime)
    : BytesService(descriptor, runtime.metrics), runtime_(runtime) {}

grpc::ServerUnaryReactor* Service::BeginUnary(const Method& method,
                                              grpc::CallbackServerContext& context,
                                              const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
  return Answer::Begin(method, runtime_, context, in, out);
}

BytesService::Stream* Service::BeginStream(const Method& method,
                                           grpc::CallbackServerContext& context) {
  return new rpc::Stream(method, runtime_, stream_bytes_, context);
}

void Service::SetHandler(std::string_view name, const google::protobuf::Descriptor& request,
                         const google::protobuf::Descriptor& response, Method::Handler handler) {
  Find(name, request, response).handler = std::move(handler);
}

void Service::SetLateHandler(std::string_view name, const google::protobuf::Descriptor& request,
                             const google::protobuf::Descriptor& response,
                             Method::LateHandler handler) {
  Find(name, request, response).late_handler = std::move(handler);
}

void Service::SetStream(std::string_view name, const google::protobuf::Descriptor& request,
                        const google::protobuf::Descriptor& response, Method::NewStream new_stream,
                        WorkerPool* workers) {
  Method& method = Find(name, request, response);
  method.new_stream = std::move(new_stream);
  method.workers = workers;
}

Method& Service::Find(std::string_view name, const google::protobuf::Descriptor& request,
                      const google::protobuf::Descriptor& response) {
  const google::protobuf::MethodDescriptor* found =
      descriptor().FindMethodByName(std::string(name));
  if (found == nullptr || found->input_type() != &request || found->output_type() != &response) {
    log::Error("no_such_method", {{"service", descriptor().full_name()}, {"method", name}});
    std::abort();
  }
  return method(found->index());
}

}  // namespace alma::rpc
