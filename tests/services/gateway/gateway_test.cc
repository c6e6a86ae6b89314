#include "services/gateway/gateway.h"

#include <unistd.h>

#include <future>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "tests/services/gateway/served_gateway.h"
#include "tests/support/allocated.h"
#include "tests/support/captured.h"
#include "tests/support/service_harness.h"

namespace alma::gateway {
namespace {

// Calls a method by its path, with these metadata.
grpc::Status CallPath(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                      const Metadata& metadata) {
  grpc::ClientContext context;
  for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
  grpc::ByteBuffer in;
  const grpc::Slice empty;
  in = grpc::ByteBuffer(&empty, 1);
  grpc::ByteBuffer out;
  std::promise<grpc::Status> ended;
  grpc::GenericStub(channel).UnaryCall(&context, path, {}, &in, &out, [&](grpc::Status status) {
    ended.set_value(std::move(status));
  });
  return ended.get_future().get();
}

constexpr char kGetMessage[] = "/alma.conversations.v1.MessagesService/GetMessage";

TEST_CASE("a call without a key in force does not reach the backend") {
  Pair pair;
  const auto channel = ChannelTo(pair.gateway.address());
  std::string wrong_checksum = pair.key;
  wrong_checksum.back() = wrong_checksum.back() == '0' ? '1' : '0';
  const std::vector<Metadata> refused = {
      {},
      {{"authorization", "Bearer "}},
      {{"authorization", pair.key}},
      {{"authorization", "Bearer " + wrong_checksum}},
      {{"authorization", "Bearer " + auth::NewApiKey()}},
      {{"x-api-key", pair.key}, {"x-api-key", pair.key}},
      {{"x-api-key", pair.key}, {"authorization", "Bearer " + pair.key}},
  };
  for (const Metadata& metadata : refused) {
    const grpc::Status status = CallPath(channel, kGetMessage, metadata);
    CHECK(status.error_code() == grpc::StatusCode::UNAUTHENTICATED);
    CHECK(testing::ReasonOf(status) == "API_KEY_INVALID");
  }
  CHECK(pair.messages.calls().empty());
  CHECK(pair.keys.asked().size() == 1);
}

TEST_CASE("a call without the scope does not reach the backend") {
  Pair pair;
  const std::string key = pair.keys.Add({"agents.read"});
  const grpc::Status status =
      CallPath(ChannelTo(pair.gateway.address()), kGetMessage, {{"x-api-key", key}});
  CHECK(status.error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CHECK(testing::ReasonOf(status) == "SCOPE_MISSING");
  CHECK(pair.messages.calls().empty());
}

TEST_CASE("a key that is remembered is not asked for again") {
  Pair pair;
  const auto channel = ChannelTo(pair.gateway.address());
  const absl::Time begun = absl::Now();
  for (int i = 0; i < 20; ++i) {
    REQUIRE(CallPath(channel, kGetMessage, {{"x-api-key", pair.key}}).ok());
  }
  REQUIRE(absl::Now() - begun < auth::Authenticator::kRemember);
  CHECK(pair.keys.asked().size() == 1);
}

TEST_CASE("a key that cannot be looked up lets nobody in") {
  testing::TemporaryFolder folder;
  ScriptedMessages messages;
  Listening conversations(absl::StrCat("unix:", folder.path(), "/conversations"), {&messages});
  ServedGateway gateway({{"organizations", {absl::StrCat("unix:", folder.path(), "/nowhere")}},
                         {"conversations", {conversations.address()}}});
  const grpc::Status status =
      CallPath(ChannelTo(gateway.address()), kGetMessage, {{"x-api-key", auth::NewApiKey()}});
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(testing::ReasonOf(status) == "DATABASE_UNAVAILABLE");
  CHECK(messages.calls().empty());
}

TEST_CASE("the backend is told who calls and nothing that the client says of that") {
  Pair pair;
  const Metadata spoofed = {
      {"authorization", "Bearer " + pair.key},
      {"alma-principal-bin", "forged"},
      {"alma-principal-bin", "forged again"},
      {"alma-organization", "0190f3a2-7c1e-7b4d-8f00-0123456789ff"},
      {"alma-anything-bin", std::string("\0\1", 2)},
      {"cookie", "c"},
      {"x-request-id", "request-1"},
      {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"tracestate", "a=1, b=2"},
  };
  REQUIRE(CallPath(ChannelTo(pair.gateway.address()), kGetMessage, spoofed).ok());
  REQUIRE(pair.messages.calls().size() == 1);
  Metadata got = pair.messages.calls().front();
  REQUIRE(got.count("alma-principal-bin") == 1);
  const auto principal =
      auth::PrincipalSigner(kSecrets).Verify(got.find("alma-principal-bin")->second, absl::Now());
  REQUIRE(principal.ok());
  CHECK(principal->organization_uuid() == kOrganization);
  CHECK(principal->scopes_size() == 2);
  CHECK(got.find("x-request-id")->second == "request-1");
  CHECK(got.find("traceparent")->second == spoofed.find("traceparent")->second);
  CHECK(got.find("tracestate")->second == "a=1, b=2");
  for (const char* known :
       {"alma-principal-bin", "x-request-id", "traceparent", "tracestate", "user-agent"}) {
    got.erase(known);
  }
  for (const auto& [key, value] : got) {
    INFO(key);
    CHECK(key.starts_with("grpc-"));
  }
  // The look-up of the key is made by the gateway for itself.
  REQUIRE(pair.keys.asked().size() == 1);
  const Metadata asked = pair.keys.asked().front();
  CHECK(asked.count("authorization") == 0);
  REQUIRE(asked.count("alma-principal-bin") == 1);
  const auto gateway =
      auth::PrincipalSigner(kSecrets).Verify(asked.find("alma-principal-bin")->second, absl::Now());
  REQUIRE(gateway.ok());
  CHECK(auth::HasScope(*gateway, auth::kInternal));
  CHECK(gateway->organization_uuid().empty());
}

TEST_CASE("no key and no principal stands in the log") {
  testing::Captured captured(STDERR_FILENO);
  std::string key;
  std::string principal;
  {
    Pair pair;
    key = pair.key;
    REQUIRE(CallPath(ChannelTo(pair.gateway.address()), kGetMessage, {{"x-api-key", key}}).ok());
    principal = pair.messages.calls().front().find("alma-principal-bin")->second;
  }
  const std::string text = captured.Text();
  REQUIRE(text.find("GetMessage") != std::string::npos);
  CHECK(text.find(key) == std::string::npos);
  CHECK(text.find(key.substr(5, 43)) == std::string::npos);
  CHECK(text.find(principal) == std::string::npos);
}

TEST_CASE("internal methods and those of backends that are not given do not exist") {
  Pair pair;
  const auto channel = ChannelTo(pair.gateway.address());
  for (const char* path : {"/alma.organizations.v1.ApiKeysService/VerifyApiKey",
                           "/alma.organizations.v1.ApiKeysService/ListKeyChanges",
                           "/alma.agents.v1.AgentsService/GetAgent",
                           "/alma.conversations.v1.MessagesService/NoSuchMethod", "/", "/a/b/c"}) {
    INFO(path);
    CHECK(CallPath(channel, path, {}).error_code() == grpc::StatusCode::UNIMPLEMENTED);
    CHECK(CallPath(channel, path, {{"x-api-key", pair.key}}).error_code() ==
          grpc::StatusCode::UNIMPLEMENTED);
  }
  CHECK(pair.keys.asked().empty());
}

size_t CountSeries(const metrics::Calls& metrics) {
  size_t series = 0;
  for (const auto& family : metrics.registry()->Collect()) series += family.metric.size();
  return series;
}

// Calls methods that nobody has, each another one; how much more is allocated after that.
int64_t GrowthByUnknownNames(const std::string& address) {
  const auto channel = ChannelTo(address);
  std::mt19937 random(1);
  const auto call = [&](int calls) {
    for (int i = 0; i < calls; ++i) {
      const std::string path = absl::StrCat("/alma.", random(), ".v1.Service/", random());
      REQUIRE(CallPath(channel, path, {}).error_code() == grpc::StatusCode::UNIMPLEMENTED);
    }
  };
  call(1000);
  const int64_t before = testing::AllocatedBytes();
  call(10'000);
  return testing::AllocatedBytes() - before;
}

TEST_CASE("unknown method names leave nothing behind") {
  Pair pair;
  const size_t series = CountSeries(pair.gateway.metrics());
  // A client of gRPC 1.51 remembers the names that it has called, in this same process.
  const int64_t by_client = GrowthByUnknownNames(pair.behind.address());
  CHECK(GrowthByUnknownNames(pair.gateway.address()) - by_client < 256 * 1024);
  CHECK(CountSeries(pair.gateway.metrics()) == series);
}

std::set<std::string> Listed(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  const auto stream =
      grpc::reflection::v1::ServerReflection::NewStub(channel)->ServerReflectionInfo(&context);
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_list_services("");
  stream->Write(request);
  grpc::reflection::v1::ServerReflectionResponse response;
  REQUIRE(stream->Read(&response));
  std::set<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.insert(service.name());
  }
  stream->WritesDone();
  CHECK(stream->Finish().ok());
  return names;
}

TEST_CASE("reflection lists what is behind the gateway and needs no key") {
  Pair pair;
  CHECK(Listed(ChannelTo(pair.gateway.address())) ==
        std::set<std::string>{
            "alma.conversations.v1.ConversationsService", "alma.conversations.v1.MessagesService",
            "alma.organizations.v1.ApiKeysService", "alma.organizations.v1.OrganizationsService",
            "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"});
}

bool Serving(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  using grpc::health::v1::HealthCheckResponse;
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status =
      grpc::health::v1::Health::NewStub(channel)->Check(&context, request, &response);
  CHECK(status.ok());
  return response.status() == HealthCheckResponse::SERVING;
}

constexpr char kMessages[] = "alma.conversations.v1.MessagesService";
constexpr char kApiKeys[] = "alma.organizations.v1.ApiKeysService";

TEST_CASE("health follows the backends") {
  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  ScriptedMessages messages;
  Listening organizations(absl::StrCat("unix:", folder.path(), "/organizations"), {&keys});
  const std::string address = absl::StrCat("unix:", folder.path(), "/conversations");
  auto conversations = std::make_unique<Listening>(address, std::vector<grpc::Service*>{&messages});
  ServedGateway gateway(
      {{"organizations", {organizations.address()}}, {"conversations", {address}}});
  const auto channel = ChannelTo(gateway.address());
  const auto becomes = [&](const char* service, bool serving) {
    const absl::Time end = absl::Now() + absl::Seconds(10);
    while (Serving(channel, service) != serving) {
      if (absl::Now() > end) return false;
      absl::SleepFor(absl::Milliseconds(10));
    }
    return true;
  };
  CHECK(becomes("", true));
  conversations->SetHealthy(false);
  CHECK(becomes(kMessages, false));
  CHECK(becomes("", false));
  CHECK(Serving(channel, kApiKeys));
  conversations->SetHealthy(true);
  CHECK(becomes("", true));
  conversations.reset();
  CHECK(becomes(kMessages, false));
  CHECK(becomes("", false));
  conversations = std::make_unique<Listening>(address, std::vector<grpc::Service*>{&messages});
  CHECK(becomes("", true));
  // Whoever is told that it serves can call it.
  const std::string key = keys.Add({"conversations.read"});
  CHECK(CallPath(channel, kGetMessage, {{"x-api-key", key}}).ok());
}

TEST_CASE("a gateway without organizations or with a wrong address is refused") {
  for (const Addresses& addresses :
       {Addresses{}, Addresses{{"organizations", {}}}, Addresses{{"conversations", {"unix:/a"}}},
        Addresses{{"organizations", {"nowhere"}}}, Addresses{{"organizations", {""}}},
        Addresses{{"organizations", {"127.0.0.1:70000"}}},
        Addresses{{"organizations", {"127.0.0.1:1"}}, {"agents", {"unix:"}}}}) {
    CHECK(Gateway::Create(addresses, kSecrets).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace alma::gateway
