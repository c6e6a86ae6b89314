#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/limit/limiter.h"
#include "common/rpc/worker_pool.h"
#include "common/status/status.h"
#include "tests/common/rpc/stream_service.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/limits.h"

// A service behind a limiter.
namespace alma::rpc {

using agents::v1::Agent;
using agents::v1::AgentsService;
using agents::v1::GetAgentRequest;
using limit::Limiter;
using testing::GetAgentService;
using testing::kOrganization;

inline constexpr char kKey[] = "0190f3a2-7c1e-7b4d-8f00-0123456789cc";
// One that is remembered and has ended.
inline constexpr char kEndedKey[] = "0190f3a2-7c1e-7b4d-8f00-0123456789dd";

// The context of a call by a key of these scopes.
inline std::unique_ptr<grpc::ClientContext> ByKey(
    const std::vector<std::string_view>& scopes = {auth::kAgentsRead, auth::kConversationsRead,
                                                   auth::kConversationsWrite},
    const std::string& organization = kOrganization, const std::string& key = kKey) {
  auth::v1::Principal principal = testing::Caller(organization, scopes);
  principal.set_api_key_uuid(key);
  auto context = std::make_unique<grpc::ClientContext>();
  testing::SetCaller(*context, principal);
  return context;
}

// Those of a TestRuntime, remembered or not.
class KnownCallers final : public Callers {
 public:
  explicit KnownCallers(Callers& callers) : callers_(callers) {}
  bool MayBeInternal() const override { return callers_.MayBeInternal(); }
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata& metadata,
                                                absl::Time deadline) override {
    auto caller = callers_.Resolve(metadata, deadline);
    if (caller.ok() && (*caller)->api_key_uuid() == kEndedKey) return status::ApiKeyInvalid();
    return caller;
  }
  std::optional<absl::StatusOr<auth::SharedPrincipal>> TryResolve(
      const Metadata& metadata) override {
    if (!remembered) return std::nullopt;
    return callers_.Resolve(metadata, absl::InfiniteFuture());
  }
  std::atomic<bool> remembered = true;

 private:
  Callers& callers_;
};

// Agents and messages behind a limiter, whose time the test case moves.
struct Limited {
  static constexpr int kWorkers = 8;

  explicit Limited(const limit::Limits& limits, GetAgentService::Handler get = testing::Echo,
                   OnItems on_items = EchoItems, size_t queue_limit = 1000)
      : limiter(limits, [this] { return absl::Nanoseconds(now.load()); }),
        workers(kWorkers, queue_limit),
        runtime{workers, callers, (*shared).metrics, (*shared).hold, absl::Seconds(30), &limiter},
        get_agent(runtime, std::move(get)),
        streams(runtime, std::move(on_items), CountUp),
        server({&get_agent, &streams}),
        agents(AgentsService::NewStub(server.channel())),
        messages(MessagesService::NewStub(server.channel())) {}

  grpc::Status Get(grpc::ClientContext& context, const std::string& uuid = "") const {
    GetAgentRequest request;
    request.set_uuid(uuid);
    Agent agent;
    return agents->GetAgent(&context, request, &agent);
  }

  std::atomic<int64_t> now = 1;
  Limiter limiter;
  testing::TestRuntime shared;
  KnownCallers callers{(*shared).callers};
  WorkerPool workers;
  Runtime runtime;
  GetAgentService get_agent;
  StreamService streams;
  testing::InProcessServer server;
  std::unique_ptr<AgentsService::Stub> agents;
  std::unique_ptr<MessagesService::Stub> messages;
};

}  // namespace alma::rpc
