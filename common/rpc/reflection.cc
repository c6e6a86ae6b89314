#include "common/rpc/reflection.h"

#include <set>
#include <utility>

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/support/server_callback.h>

#include "common/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"

namespace alma::rpc {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

void SetNotFound(ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  response->mutable_error_response()->set_error_message("not found");
}

// A file and all that it imports, each once, imports last.
void AddFile(const FileDescriptor& file, std::set<std::string>* added,
             ServerReflectionResponse* response) {
  if (!added->insert(file.name()).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  response->mutable_file_descriptor_response()->add_file_descriptor_proto(
      proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) AddFile(*file.dependency(i), added, response);
}

void AnswerFile(const FileDescriptor* file, ServerReflectionResponse* response) {
  if (file == nullptr) return SetNotFound(response);
  std::set<std::string> added;
  AddFile(*file, &added, response);
}

void AnswerExtension(const grpc::reflection::v1::ExtensionRequest& request,
                     ServerReflectionResponse* response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* type = pool.FindMessageTypeByName(request.containing_type());
  const FieldDescriptor* extension =
      type == nullptr ? nullptr : pool.FindExtensionByNumber(type, request.extension_number());
  AnswerFile(extension == nullptr ? nullptr : extension->file(), response);
}

void AnswerExtensionNumbers(const std::string& type_name, ServerReflectionResponse* response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const auto* type = pool.FindMessageTypeByName(type_name);
  if (type == nullptr) return SetNotFound(response);
  std::vector<const FieldDescriptor*> extensions;
  pool.FindAllExtensions(type, &extensions);
  auto* answer = response->mutable_all_extension_numbers_response();
  answer->set_base_type_name(type_name);
  for (const FieldDescriptor* extension : extensions) {
    answer->add_extension_number(extension->number());
  }
}

}  // namespace

ServerReflectionResponse Reflect(const ServerReflectionRequest& request,
                                 const std::vector<std::string>& services) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(pool.FindFileByName(request.file_by_filename()), &response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), &response);
      break;
    case ServerReflectionRequest::kFileContainingExtension:
      AnswerExtension(request.file_containing_extension(), &response);
      break;
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensionNumbers(request.all_extension_numbers_of_type(), &response);
      break;
    case ServerReflectionRequest::kListServices:
      for (const std::string& service : services) {
        response.mutable_list_services_response()->add_service()->set_name(service);
      }
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      response.mutable_error_response()->set_error_message("the request asks for nothing");
      break;
  }
  return response;
}

// One call; all but its end happens under the service's mutex.
class ReflectionService::Stream final
    : public grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse> {
 public:
  explicit Stream(ReflectionService& reflection) : reflection_(reflection) {
    absl::MutexLock lock(&reflection_.mutex_);
    reflection_.streams_.insert(this);
    if (reflection_.ended_) {
      End(status::ToGrpcStatus(status::BackendUnavailable()));
    } else {
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&reflection_.mutex_);
    if (finished_) return;
    if (!ok) return End(grpc::Status::OK);
    response_ = Reflect(request_, reflection_.services_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&reflection_.mutex_);
    if (finished_) return;
    if (!ok) return End(grpc::Status::OK);
    StartRead(&request_);
  }
  void OnDone() override {
    {
      absl::MutexLock lock(&reflection_.mutex_);
      reflection_.streams_.erase(this);
    }
    delete this;
  }

  void End(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) Finish(status);
  }

 private:
  ReflectionService& reflection_;
  ServerReflectionRequest request_;
  ServerReflectionResponse response_;
  bool finished_ = false;
};

ReflectionService::ReflectionService(Version version, const std::vector<std::string>& services)
    : services_(services) {
  const char* path = version == Version::kV1
                         ? "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
                         : "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  AddMethod(new grpc::internal::RpcServiceMethod(path, grpc::internal::RpcMethod::BIDI_STREAMING,
                                                 nullptr));
  MarkMethodCallback(
      0, new grpc::internal::CallbackBidiHandler<ServerReflectionRequest, ServerReflectionResponse>(
             [this](grpc::CallbackServerContext*) { return new Stream(*this); }));
}

void ReflectionService::EndStreams() {
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  for (Stream* stream : streams_) stream->End(status::ToGrpcStatus(status::BackendUnavailable()));
}

}  // namespace alma::rpc
