#include <unistd.h>

#include <map>
#include <set>
#include <string>

#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/captured.h"

// Request id and trace: what Answer returns of them, and what it logs.
namespace alma::rpc {
namespace {

using agents::v1::Agent;
using agents::v1::GetAgentRequest;
using testing::ByReader;
using testing::Echo;
using testing::kGetAgent;
using testing::kOrganization;
using testing::Served;

std::string Value(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                  const char* key) {
  const auto entry = metadata.find(key);
  return entry == metadata.end() ? "" : std::string(entry->second.data(), entry->second.size());
}

constexpr char kTrace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST_CASE("request id and trace are returned in the metadata of a good answer") {
  Served served(Echo);
  const auto context = ByReader();
  context->AddMetadata("x-request-id", "Id-1/2:3~!");
  context->AddMetadata("traceparent", kTrace);
  REQUIRE(served.Get(*context).ok());
  CHECK(Value(context->GetServerInitialMetadata(), "x-request-id") == "Id-1/2:3~!");
  CHECK(Value(context->GetServerInitialMetadata(), "traceparent") == kTrace);
  CHECK(context->GetServerTrailingMetadata().count("x-request-id") == 0);
}

TEST_CASE(
    "request id and trace are returned in the trailers of an error which has no metadata else") {
  Served served([](const Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
    return status::NotFound("agent");
  });
  const auto context = ByReader();
  context->AddMetadata("x-request-id", "id");
  context->AddMetadata("traceparent", kTrace);
  REQUIRE_FALSE(served.Get(*context).ok());
  CHECK(Value(context->GetServerTrailingMetadata(), "x-request-id") == "id");
  CHECK(Value(context->GetServerTrailingMetadata(), "traceparent") == kTrace);
  CHECK(context->GetServerInitialMetadata().empty());
}

TEST_CASE("a request id that is too long or not visible ASCII is replaced") {
  Served served(Echo);
  std::set<std::string> replaced;
  for (const std::string& id : {std::string(), std::string(129, 'x'), std::string("a b")}) {
    const auto context = ByReader();
    context->AddMetadata("x-request-id", id);
    context->AddMetadata("traceparent", id);
    REQUIRE(served.Get(*context).ok());
    replaced.insert(Value(context->GetServerInitialMetadata(), "x-request-id"));
    CHECK(context->GetServerInitialMetadata().count("traceparent") == 0);
  }
  CHECK(replaced.size() == 3);
  for (const std::string& id : replaced) CHECK(id.size() == 36);
  const auto longest = ByReader();
  longest->AddMetadata("x-request-id", std::string(128, 'x'));
  REQUIRE(served.Get(*longest).ok());
  CHECK(Value(longest->GetServerInitialMetadata(), "x-request-id") == std::string(128, 'x'));
}

TEST_CASE("a request id or a trace that comes twice is as none") {
  Served served(Echo);
  const auto context = ByReader();
  for (const char* id : {"first", "second"}) context->AddMetadata("x-request-id", id);
  for (int i = 0; i < 2; ++i) context->AddMetadata("traceparent", kTrace);
  REQUIRE(served.Get(*context).ok());
  CHECK(Value(context->GetServerInitialMetadata(), "x-request-id").size() == 36);
  CHECK(context->GetServerInitialMetadata().count("x-request-id") == 1);
  CHECK(context->GetServerInitialMetadata().count("traceparent") == 0);
}

TEST_CASE("a call is logged with who and what and how it ended") {
  Served served(Echo);
  testing::Captured log(STDERR_FILENO);
  const auto context = ByReader();
  context->AddMetadata("x-request-id", "id-of-the-call");
  REQUIRE(served.Get(*context).ok());
  const std::string lines = log.Text();
  for (const char* part :
       {"\"event\":\"call\"", kGetAgent, kOrganization, "id-of-the-call", "\"code\":\"OK\""}) {
    CAPTURE(part);
    CHECK(lines.find(part) != std::string::npos);
  }
  CHECK(lines.find("asked for") == std::string::npos);
}

}  // namespace
}  // namespace alma::rpc
