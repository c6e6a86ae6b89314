#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/limit/limiter.h"
#include "common/rpc/worker_pool.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/common/rpc/stream_service.h"
#include "tests/common/rpc/test_service.h"

// A service behind a limiter, and what its refusals say.
namespace alma::rpc {

using agents::v1::Agent;
using agents::v1::AgentsService;
using agents::v1::GetAgentRequest;
using limit::Limiter;
using testing::GetAgentService;
using testing::kOrganization;

inline constexpr char kKey[] = "0190f3a2-7c1e-7b4d-8f00-0123456789cc";

// The context of a call by a key of these scopes.
inline std::unique_ptr<grpc::ClientContext> ByKey(const std::vector<std::string_view>& scopes = {
                                                      auth::kAgentsRead, auth::kConversationsRead,
                                                      auth::kConversationsWrite}) {
  auth::v1::Principal principal = testing::Caller(kOrganization, scopes);
  principal.set_api_key_uuid(kKey);
  auto context = std::make_unique<grpc::ClientContext>();
  testing::SetCaller(*context, principal);
  return context;
}

// Agents and messages behind a limiter, whose time the test case moves.
struct Limited {
  explicit Limited(const limit::Limits& limits, GetAgentService::Handler get = testing::Echo,
                   OnItems on_items = EchoItems)
      : limiter(limits, [this] { return absl::Nanoseconds(now.load()); }),
        runtime{workers,        (*shared).callers, (*shared).metrics,
                (*shared).hold, absl::Seconds(30), &limiter},
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

  // Whether the organization may have `count` more calls at a time, and none beyond.
  bool Free(int count) {
    std::vector<Limiter::Slot> slots(count);
    for (Limiter::Slot& slot : slots) {
      if (limiter.Admit(kKey, kOrganization, &slot).has_value()) return false;
    }
    Limiter::Slot one_more;
    return limiter.Admit(kKey, kOrganization, &one_more).has_value();
  }

  std::atomic<int64_t> now = 1;
  Limiter limiter;
  testing::TestRuntime shared;
  WorkerPool workers{8, 1000};
  Runtime runtime;
  GetAgentService get_agent;
  StreamService streams;
  testing::InProcessServer server;
  std::unique_ptr<AgentsService::Stub> agents;
  std::unique_ptr<MessagesService::Stub> messages;
};

inline absl::Duration RetryInfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::RetryInfo retry;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&retry)) {
      return absl::Seconds(retry.retry_delay().seconds()) +
             absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return absl::InfiniteDuration();
}

inline std::string PushbackOf(const grpc::ClientContext& context) {
  const auto found = context.GetServerTrailingMetadata().find("grpc-retry-pushback-ms");
  return found == context.GetServerTrailingMetadata().end()
             ? ""
             : std::string(found->second.data(), found->second.size());
}

}  // namespace alma::rpc
