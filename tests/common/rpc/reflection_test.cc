#include "common/rpc/reflection.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "alma/auth/v1/scope.pb.h"
#include "catch2/catch.hpp"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"

namespace alma::rpc {
namespace {

using grpc::reflection::v1::ServerReflectionRequest;
using grpc::reflection::v1::ServerReflectionResponse;

const std::vector<std::string> kServices = {"grpc.health.v1.Health",
                                            "alma.agents.v1.AgentsService"};

std::set<std::string> FilesOf(const ServerReflectionResponse& response) {
  std::set<std::string> names;
  for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
    google::protobuf::FileDescriptorProto file;
    REQUIRE(file.ParseFromString(bytes));
    CHECK(names.insert(file.name()).second);
  }
  return names;
}

ServerReflectionResponse FileBySymbol(const std::string& symbol) {
  ServerReflectionRequest request;
  request.set_file_containing_symbol(symbol);
  return Reflect(request, kServices);
}

TEST_CASE("the services are listed") {
  ServerReflectionRequest request;
  request.set_host("h");
  request.set_list_services("*");
  const auto response = Reflect(request, kServices);
  REQUIRE(response.list_services_response().service_size() == 2);
  CHECK(response.list_services_response().service(1).name() == "alma.agents.v1.AgentsService");
  CHECK(response.valid_host() == "h");
  CHECK(response.original_request().list_services() == "*");
}

TEST_CASE("a file comes with all that it imports and each once") {
  ServerReflectionRequest request;
  request.set_file_by_filename("alma/agents/v1/agents.proto");
  const std::set<std::string> files = FilesOf(Reflect(request, kServices));
  for (const char* name : {"alma/agents/v1/agents.proto", "alma/auth/v1/scope.proto",
                           "google/protobuf/descriptor.proto", "google/protobuf/timestamp.proto"}) {
    CAPTURE(name);
    CHECK(files.count(name) == 1);
  }
}

TEST_CASE("a symbol of any kind is found in its file") {
  for (const char* symbol :
       {"alma.agents.v1.AgentsService", "alma.agents.v1.AgentsService.GetAgent",
        "alma.agents.v1.Agent", "alma.agents.v1.Agent.uuid"}) {
    CAPTURE(symbol);
    CHECK(FilesOf(FileBySymbol(symbol)).count("alma/agents/v1/agents.proto") == 1);
  }
  CHECK(FilesOf(FileBySymbol("alma.auth.v1.scope")).count("alma/auth/v1/scope.proto") == 1);
  CHECK(FilesOf(FileBySymbol("grpc.health.v1.Health")).size() == 1);
  CHECK(FilesOf(FileBySymbol("grpc.reflection.v1.ServerReflection")).size() == 1);
}

TEST_CASE("the scope of methods is found as an extension") {
  ServerReflectionRequest request;
  request.set_all_extension_numbers_of_type("google.protobuf.MethodOptions");
  const auto numbers = Reflect(request, kServices).all_extension_numbers_response();
  CHECK(numbers.base_type_name() == "google.protobuf.MethodOptions");
  REQUIRE(numbers.extension_number_size() == 1);
  CHECK(numbers.extension_number(0) == auth::v1::kScopeFieldNumber);

  request.mutable_file_containing_extension()->set_containing_type("google.protobuf.MethodOptions");
  request.mutable_file_containing_extension()->set_extension_number(auth::v1::kScopeFieldNumber);
  CHECK(FilesOf(Reflect(request, kServices)).count("alma/auth/v1/scope.proto") == 1);
}

TEST_CASE("what is not there is an error of its own and the request comes back") {
  std::vector<ServerReflectionRequest> requests(5);
  requests[0].set_file_by_filename("alma/absent.proto");
  requests[1].set_file_containing_symbol("alma.Absent");
  requests[2].set_all_extension_numbers_of_type("alma.Absent");
  requests[3].mutable_file_containing_extension()->set_containing_type(
      "google.protobuf.MethodOptions");
  requests[4].mutable_file_containing_extension()->set_containing_type("alma.Absent");
  for (const auto& request : requests) {
    const auto response = Reflect(request, kServices);
    CHECK(response.error_response().error_code() == grpc::StatusCode::NOT_FOUND);
    CHECK(response.original_request().SerializeAsString() == request.SerializeAsString());
  }
  CHECK(Reflect({}, kServices).error_response().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_CASE(
    "both versions of the service answer one request after another until the client is done") {
  std::vector<std::string> services;
  ReflectionService v1(ReflectionService::Version::kV1, services);
  ReflectionService v1alpha(ReflectionService::Version::kV1Alpha, services);
  services = kServices;
  grpc::ServerBuilder builder;
  builder.RegisterService(&v1);
  builder.RegisterService(&v1alpha);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto channel = server->InProcessChannel({});
  for (const char* package : {"v1", "v1alpha"}) {
    CAPTURE(package);
    const std::string path =
        std::string("/grpc.reflection.") + package + ".ServerReflection/ServerReflectionInfo";
    const grpc::internal::RpcMethod method(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    grpc::ClientContext context;
    const std::unique_ptr<
        grpc::ClientReaderWriter<ServerReflectionRequest, ServerReflectionResponse>>
        stream(grpc::internal::ClientReaderWriterFactory<
               ServerReflectionRequest, ServerReflectionResponse>::Create(channel.get(), method,
                                                                          &context));
    ServerReflectionRequest request;
    ServerReflectionResponse response;
    request.set_list_services("");
    REQUIRE(stream->Write(request));
    REQUIRE(stream->Read(&response));
    CHECK(response.list_services_response().service_size() == 2);
    request.set_file_containing_symbol("alma.Absent");
    REQUIRE(stream->Write(request));
    REQUIRE(stream->Read(&response));
    CHECK(response.has_error_response());
    CHECK(stream->WritesDone());
    CHECK_FALSE(stream->Read(&response));
    CHECK(stream->Finish().ok());
  }
}

TEST_CASE("a client that goes in the middle ends its stream") {
  ReflectionService v1(ReflectionService::Version::kV1, kServices);
  grpc::ServerBuilder builder;
  builder.RegisterService(&v1);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto stub = grpc::reflection::v1::ServerReflection::NewStub(server->InProcessChannel({}));
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    const auto stream = stub->ServerReflectionInfo(&context);
    ServerReflectionRequest request;
    request.set_file_by_filename("alma/agents/v1/agents.proto");
    CHECK(stream->Write(request));
    context.TryCancel();
    CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  // Waits for every stream to be gone.
  server->Shutdown();
}

}  // namespace
}  // namespace alma::rpc
