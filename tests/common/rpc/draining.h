#pragma once

#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "alma/agents/v1/agents.grpc.pb.h"
#include "catch2/catch.hpp"
#include "common/rpc/server.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/captured.h"
#include "tests/support/temporary_folder.h"

namespace alma::testing {

// A service behind a Server on a unix socket.
class Draining {
  TemporaryFolder folder_;

 public:
  explicit Draining(
      const rpc::ServerOptions& options,
      const GetAgentService::Handler& handler = [](const rpc::Call&, agents::v1::GetAgentRequest&)
          -> absl::StatusOr<agents::v1::Agent> { return agents::v1::Agent(); })
      : server(WithAddress(options)),
        runtime_{
            .workers = workers_, .callers = callers_, .metrics = metrics_, .hold = server.hold()},
        agents_(runtime_, handler) {
    server.Add(agents_, [this] { return ready.load(); });
    Captured captured(STDOUT_FILENO);
    REQUIRE(server.Start().ok());
  }
  ~Draining() { server.Drain(absl::ZeroDuration()); }

  std::shared_ptr<grpc::Channel> NewChannel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(server.listen().front(), grpc::InsecureChannelCredentials(),
                                     arguments);
  }
  static grpc::Status Get(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    context.AddMetadata("alma-organization", kOrganization);
    agents::v1::Agent agent;
    return agents::v1::AgentsService::NewStub(channel)->GetAgent(&context, {}, &agent);
  }

  std::atomic<bool> ready = true;
  rpc::Server server;

 private:
  rpc::ServerOptions WithAddress(rpc::ServerOptions options) const {
    options.listen = {absl::StrCat("unix:", folder_.path(), "/socket")};
    return options;
  }

  rpc::WorkerPool workers_{/*threads=*/4, /*queue_limit=*/1000};
  rpc::InsecureCallers callers_{auth::Secrets{{std::string(32, 's')}}};
  metrics::Calls metrics_;
  rpc::Runtime runtime_;
  GetAgentService agents_;
};

}  // namespace alma::testing
