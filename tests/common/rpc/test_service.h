#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <grpcpp/generic/generic_stub.h>

#include "alma/agents/v1/agents.grpc.pb.h"
#include "common/auth/scopes.h"
#include "common/rpc/service.h"
#include "tests/support/service_harness.h"

namespace alma::testing {

inline const google::protobuf::ServiceDescriptor& AgentsDescriptor() {
  return *agents::v1::Agent::descriptor()->file()->FindServiceByName("AgentsService");
}

// AgentsService of which GetAgent alone is handled, by what the test case says.
class GetAgentService final : public rpc::Service {
 public:
  using Handler = std::function<absl::StatusOr<agents::v1::Agent>(const rpc::Call&,
                                                                  agents::v1::GetAgentRequest&)>;

  GetAgentService(rpc::Runtime& runtime, Handler handler)
      : Service(AgentsDescriptor(), runtime), handler_(std::move(handler)) {
    Handle("GetAgent", &GetAgentService::GetAgent);
  }

 private:
  absl::StatusOr<agents::v1::Agent> GetAgent(const rpc::Call& call,
                                             agents::v1::GetAgentRequest& request) {
    return handler_(call, request);
  }

  const Handler handler_;
};

inline constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
inline constexpr char kGetAgent[] = "/alma.agents.v1.AgentsService/GetAgent";

// Someone who may read agents.
inline auth::v1::Principal Reader() { return Caller(kOrganization, {auth::kAgentsRead}); }

// A handler that answers the uuid that was asked for, and the caller's organization as origin.
inline absl::StatusOr<agents::v1::Agent> Echo(const rpc::Call& call,
                                              agents::v1::GetAgentRequest& request) {
  agents::v1::Agent agent;
  agent.set_uuid(request.uuid());
  agent.set_origin(call.organization());
  return agent;
}

// A served GetAgentService.
class Served {
 public:
  explicit Served(GetAgentService::Handler handler)
      : service_(*runtime_, std::move(handler)), server_({&service_}) {}

  // Sends `bytes` as the request of `path`.
  grpc::Status Send(grpc::ClientContext& context, const std::string& path,
                    const std::string& bytes) {
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer in(&slice, 1);
    grpc::ByteBuffer out;
    std::promise<grpc::Status> ended;
    grpc::GenericStub stub(server_.channel());
    stub.UnaryCall(&context, path, {}, &in, &out,
                   [&](grpc::Status status) { ended.set_value(std::move(status)); });
    return ended.get_future().get();
  }

  grpc::Status Get(grpc::ClientContext& context, agents::v1::Agent* agent = nullptr) {
    agents::v1::GetAgentRequest request;
    request.set_uuid("asked for");
    agents::v1::Agent unused;
    return agents::v1::AgentsService::NewStub(server_.channel())
        ->GetAgent(&context, request, agent == nullptr ? &unused : agent);
  }

 private:
  TestRuntime runtime_;
  GetAgentService service_;
  InProcessServer server_;
};

// The context of a call that Reader makes.
inline std::unique_ptr<grpc::ClientContext> ByReader() {
  auto context = std::make_unique<grpc::ClientContext>();
  SetCaller(*context, Reader());
  return context;
}

}  // namespace alma::testing
