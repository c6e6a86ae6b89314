#include <algorithm>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/client.h"
#include "tests/system/memory.h"
#include "tests/system/metrics.h"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::ExportMessagesRequest;
using gateway::ExportMessagesResponse;

TEST_CASE("a minute of messages for a reader of one a second stays small in the gateway",
          "[long]") {
  Proxied both;
  both.messages.export_messages = [](auto&, const ExportMessagesRequest&, Exporting& stream) {
    ExportMessagesResponse response;
    response.mutable_message()->set_content(std::string(64 * 1024, 'x'));
    while (stream.Write(response)) response.set_revision(response.revision() + 1);
    return grpc::Status::OK;
  };
  const auto context = both.NewContext(absl::Minutes(2));
  const pid_t pid = both.gateway().process().pid();
  const int64_t before = ResidentKib(pid);
  const auto stream = both.proxied->ExportMessages(context.get(), {});
  int64_t growth = 0;
  for (int second = 0; second < 60; ++second) {
    ExportMessagesResponse response;
    REQUIRE(stream->Read(&response));
    REQUIRE(response.revision() == second);
    absl::SleepFor(absl::Seconds(1));
    growth = std::max(growth, ResidentKib(pid) - before);
  }
  context->TryCancel();
  CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  WARN("grew by " << growth << " KiB");
  CHECK(growth < 32 * 1024 + kQuarantineKib);
}

// Calls `count` methods that do not exist, each of another name.
void CallUnknown(AlmaServer& gateway, int count, std::minstd_rand& random) {
  // A client of gRPC 1.51 remembers each name that it has called, here.
  const Client client(gateway.channel());
  int unimplemented = 0;
  for (int i = 0; i < count; ++i) {
    const std::string name = absl::StrCat("strange.v1.Service", random(), "/Method", random());
    const grpc::Status status = client.CallBytes(name, "").status;
    unimplemented += status.error_code() == grpc::StatusCode::UNIMPLEMENTED ? 1 : 0;
  }
  REQUIRE(unimplemented == count);
}

TEST_CASE("ten thousand unknown method names leave nothing behind in a gateway process", "[long]") {
  const std::string metrics = FreeAddress();
  Proxied both({"--metrics_listen=" + metrics, "--log_level=debug"});
  std::minstd_rand random(std::random_device{}());
  CallUnknown(both.gateway(), 2000, random);
  const std::string page = Metrics(metrics);
  const pid_t pid = both.gateway().process().pid();
  const int64_t before = ResidentKib(pid);
  CallUnknown(both.gateway(), 10'000, random);
  const int64_t growth = ResidentKib(pid) - before;
  WARN("grew by " << growth << " KiB");
  CHECK(growth < 4 * 1024 + kQuarantineKib);
  const std::string after = Metrics(metrics);
  CHECK(after.find("strange") == std::string::npos);
  CHECK(AnsweredCalls(after) == AnsweredCalls(page));
  CHECK(std::count(after.begin(), after.end(), '\n') == std::count(page.begin(), page.end(), '\n'));
  CHECK(both.gateway().process().Errors().find("strange") == std::string::npos);
}

}  // namespace
}  // namespace alma::testing
