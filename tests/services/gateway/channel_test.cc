#include "services/gateway/channel.h"

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "tests/common/rpc/draining.h"
#include "tests/services/gateway/wire.h"

namespace alma::gateway {
namespace {

using agents::v1::Agent;
using agents::v1::GetAgentRequest;
using testing::Draining;
using testing::TemporaryFolder;

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

TEST_CASE("a backend may take a second to answer a new connection") {
  const TemporaryFolder folder;
  const Draining backend({.name = "test", .listen = {}});
  const std::string path = backend.server.listen().front().substr(std::string("unix:").size());
  Wire wire(folder.path() + "/wire", path);
  wire.Freeze(true);
  const auto channel = NewChannel(TargetOf(wire.address()), {});
  channel->GetState(/*try_to_connect=*/true);
  const auto in = [](absl::Duration time) { return absl::ToChronoTime(absl::Now() + time); };
  REQUIRE(channel->WaitForStateChange(GRPC_CHANNEL_IDLE, in(absl::Seconds(5))));
  CHECK(!channel->WaitForStateChange(GRPC_CHANNEL_CONNECTING, in(absl::Seconds(1))));
  wire.Freeze(false);
  CHECK(channel->WaitForConnected(in(absl::Seconds(5))));
}

}  // namespace
}  // namespace alma::gateway
