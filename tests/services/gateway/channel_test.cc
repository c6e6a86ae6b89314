#include "services/gateway/channel.h"

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "tests/common/rpc/draining.h"

namespace alma::gateway {
namespace {

using agents::v1::Agent;
using agents::v1::GetAgentRequest;
using testing::Draining;

TEST_CASE("the end of a backend's connection by its age fails no call") {
  std::atomic<bool> slow = true;
  Draining backend({.name = "test", .listen = {}, .max_connection_age = absl::Milliseconds(100)},
                   [&](const rpc::Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
                     if (slow.exchange(false)) absl::SleepFor(absl::Seconds(1));
                     return Agent();
                   });
  const auto channel = NewChannel(TargetOf(backend.server.listen().front()), {});
  grpc::Status outlasting = grpc::Status::CANCELLED;
  std::thread caller([&] { outlasting = Draining::Get(channel); });
  while (slow) absl::SleepFor(absl::Milliseconds(1));
  grpc::Status first_failed;
  int calls = 0;
  for (const absl::Time end = absl::Now() + absl::Seconds(1); absl::Now() < end; ++calls) {
    const grpc::Status status = Draining::Get(channel);
    if (first_failed.ok()) first_failed = status;
  }
  caller.join();
  CHECK(outlasting.ok());
  CHECK(calls > 10);
  CAPTURE(first_failed.error_message());
  CHECK(first_failed.ok());
}

}  // namespace
}  // namespace alma::gateway
