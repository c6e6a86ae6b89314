#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "alma/agents/v1/agents.grpc.pb.h"
#include "catch2/catch.hpp"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "tests/common/rpc/draining.h"

// What clients see of a server that drains.
namespace alma::rpc {
namespace {

using agents::v1::Agent;
using agents::v1::GetAgentRequest;
using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::Draining;

std::string HealthBy(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status = Health::NewStub(channel)->Check(&context, request, &response);
  if (!status.ok()) return absl::StrCat("code ", status.error_code());
  return HealthCheckResponse::ServingStatus_Name(response.status());
}

TEST_CASE("a drain says not serving and answers as before until its notice is over") {
  Draining draining({.name = "test", .listen = {}, .drain_notice = absl::Milliseconds(700)});
  const auto channel = draining.NewChannel();
  REQUIRE(HealthBy(channel, "") == "SERVING");
  std::thread drain([&] { draining.server.Drain(absl::Seconds(5)); });
  absl::SleepFor(absl::Milliseconds(200));
  const std::string all = HealthBy(channel, "");
  const std::string one = HealthBy(channel, "alma.agents.v1.AgentsService");
  const grpc::Status on_old = Draining::Get(channel);
  const grpc::Status on_new = Draining::Get(draining.NewChannel());
  drain.join();
  CHECK(all == "NOT_SERVING");
  CHECK(one == "NOT_SERVING");
  CHECK(on_old.ok());
  CHECK(on_new.ok());
  CHECK(Draining::Get(channel).error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("callers that go on and on lose no call in a drain") {
  Draining draining({.name = "test", .listen = {}, .drain_notice = absl::Milliseconds(50)});
  std::vector<std::map<grpc::StatusCode, int>> seen(8);
  std::vector<std::thread> callers;
  callers.reserve(seen.size());
  for (auto& codes : seen) {
    callers.emplace_back([&] {
      const auto channel = draining.NewChannel();
      // Until the server is gone.
      while (codes[grpc::StatusCode::UNAVAILABLE] == 0) {
        ++codes[Draining::Get(channel).error_code()];
      }
    });
  }
  absl::SleepFor(absl::Milliseconds(300));
  draining.server.Drain(absl::Seconds(5));
  for (std::thread& caller : callers) caller.join();
  for (const auto& codes : seen) {
    for (const auto& [code, count] : codes) {
      CAPTURE(code, count);
      CHECK((code == grpc::StatusCode::OK || code == grpc::StatusCode::UNAVAILABLE));
    }
    CHECK(codes.at(grpc::StatusCode::OK) > 1);
  }
}

TEST_CASE("nobody who only watches holds up a drain") {
  Draining draining({.name = "test", .listen = {}});
  const auto channel = draining.NewChannel();
  grpc::ClientContext watching;
  const auto watch = Health::NewStub(channel)->Watch(&watching, {});
  HealthCheckResponse health;
  REQUIRE(watch->Read(&health));
  CHECK(health.status() == HealthCheckResponse::SERVING);
  grpc::ClientContext reflecting;
  const auto reflection =
      grpc::reflection::v1::ServerReflection::NewStub(channel)->ServerReflectionInfo(&reflecting);
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_list_services("");
  REQUIRE(reflection->Write(request));
  grpc::reflection::v1::ServerReflectionResponse response;
  REQUIRE(reflection->Read(&response));

  const absl::Time begun = absl::Now();
  std::thread drain([&] { draining.server.Drain(absl::Seconds(30)); });
  const bool told = watch->Read(&health);
  const bool more = told && watch->Read(&health);
  const grpc::Status of_watch = watch->Finish();
  const grpc::Status of_reflection = reflection->Finish();
  drain.join();
  CHECK(told);
  CHECK(health.status() == HealthCheckResponse::NOT_SERVING);
  CHECK_FALSE(more);
  CHECK(of_watch.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(of_reflection.error_code() == grpc::StatusCode::UNAVAILABLE);
  // gRPC's own clients look at idle connections every 5 s.
  CHECK(absl::Now() - begun < absl::Seconds(8));
}

TEST_CASE("a watch is told each change and what is not known") {
  Draining draining({.name = "test", .listen = {}});
  const auto channel = draining.NewChannel();
  const auto stub = Health::NewStub(channel);
  grpc::ClientContext watching;
  const auto watch = stub->Watch(&watching, {});
  HealthCheckResponse health;
  for (const bool ready : {true, false, true}) {
    draining.ready = ready;
    REQUIRE(watch->Read(&health));
    CHECK(health.status() ==
          (ready ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING));
  }
  watching.TryCancel();
  CHECK(watch->Finish().error_code() == grpc::StatusCode::CANCELLED);

  grpc::ClientContext unknown;
  HealthCheckRequest request;
  request.set_service("alma.Absent");
  const auto of_unknown = stub->Watch(&unknown, request);
  REQUIRE(of_unknown->Read(&health));
  CHECK(health.status() == HealthCheckResponse::SERVICE_UNKNOWN);
  unknown.TryCancel();
  CHECK_FALSE(of_unknown->Finish().ok());
}

TEST_CASE("what takes longer than a drain ends with unavailable") {
  absl::Notification begun;
  absl::Notification go_on;
  Draining draining({.name = "test", .listen = {}},
                    [&](const Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
                      begun.Notify();
                      go_on.WaitForNotificationWithTimeout(absl::Seconds(5));
                      return Agent();
                    });
  grpc::Status answered;
  std::thread caller([&] {
    answered = Draining::Get(draining.NewChannel());
    go_on.Notify();
  });
  begun.WaitForNotification();
  draining.server.Drain(absl::Milliseconds(200));
  caller.join();
  CHECK(answered.error_code() == grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace alma::rpc
