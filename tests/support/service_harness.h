#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server.h>

#include "alma/auth/v1/principal.pb.h"
#include "common/metrics/metrics.h"
#include "common/rpc/caller.h"
#include "common/rpc/service.h"
#include "common/rpc/worker_pool.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace alma::testing {

// A caller of `organization_uuid` with these scopes.
auth::v1::Principal Caller(std::string_view organization_uuid,
                           const std::vector<std::string_view>& scopes);

// How a call ended.
template <typename Response>
struct Answered {
  grpc::Status status;
  Response response;
};

// The ErrorInfo's reason in a status' details, and the fields of its BadRequest; empty where there
// are none.
std::string ReasonOf(const grpc::Status& status);
std::vector<std::string> FieldsOf(const grpc::Status& status);

// What services are made with, where no key is asked for: a test says with each call who makes it.
class TestRuntime {
 public:
  TestRuntime();
  ~TestRuntime();
  rpc::Runtime& operator*() { return runtime_; }

 private:
  class PrincipalInMetadata;

  rpc::WorkerPool workers_;
  std::unique_ptr<rpc::Callers> callers_;
  metrics::Calls metrics_;
  rpc::Hold hold_;
  rpc::Runtime runtime_;
};

// A gRPC server in this process, without a network. The services outlive it:
//
//   TestRuntime runtime;
//   OrganizationsService service(*runtime, …);
//   InProcessServer server({&service});
//   const auto stub = v1::OrganizationsService::NewStub(server.channel());
//   const auto answered = Call(*stub, &v1::OrganizationsService::Stub::GetOrganization, caller,
//   request);
class InProcessServer {
 public:
  explicit InProcessServer(const std::vector<rpc::Service*>& services);
  ~InProcessServer();
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// Makes the call that follows in the name of `caller`.
void SetCaller(grpc::ClientContext& context, const auth::v1::Principal& caller);

template <typename Stub, typename Request, typename Response>
Answered<Response> Call(Stub& stub,
                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const auth::v1::Principal& caller, const Request& request) {
  grpc::ClientContext context;
  SetCaller(context, caller);
  Answered<Response> answered;
  answered.status = (stub.*method)(&context, request, &answered.response);
  return answered;
}

// Calls a unary method that is known by its descriptor only.
grpc::Status CallMethod(const InProcessServer& server,
                        const google::protobuf::MethodDescriptor& method,
                        const auth::v1::Principal& caller,
                        const google::protobuf::Message& request);

}  // namespace alma::testing
