#include "common/rpc/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "alma/agents/v1/agents.grpc.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "catch2/catch.hpp"
#include "common/auth/scopes.h"
#include "common/text/json.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/captured.h"
#include "tests/support/service_harness.h"
#include "tests/support/temporary_folder.h"

namespace alma::rpc {
namespace {

using agents::v1::Agent;
using agents::v1::AgentsService;
using agents::v1::GetAgentRequest;
using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::GetAgentService;

class MessagesService final : public Service {
 public:
  explicit MessagesService(Runtime& runtime)
      : Service(
            *conversations::v1::Message::descriptor()->file()->FindServiceByName("MessagesService"),
            runtime) {}
};

// Two services behind a Server on a unix socket.
class Fixture {
 public:
  explicit Fixture(GetAgentService::Handler handler = [](const Call&, GetAgentRequest&)
                       -> absl::StatusOr<Agent> { return Agent(); })
      : agents_(*runtime_, std::move(handler)),
        messages_(*runtime_),
        server_(ServerOptions{.name = "test", .listen = {Address(), "127.0.0.1:0"}}) {
    server_.Add(agents_, [this] { return agents_ready.load(); });
    server_.Add(messages_, [this] { return messages_ready.load(); });
    testing::Captured captured(STDOUT_FILENO);
    const absl::Status started = server_.Start();
    printed = captured.Text();
    INFO(started);
    REQUIRE(started.ok());
  }

  std::string Address() const { return absl::StrCat("unix:", folder_.path(), "/socket"); }
  std::shared_ptr<grpc::Channel> Channel(const std::string& address) const {
    return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  }
  grpc::Status GetAgent(const std::string& address) {
    grpc::ClientContext context;
    testing::SetCaller(context, testing::Caller("o", {auth::kAgentsRead}));
    Agent agent;
    return AgentsService::NewStub(Channel(address))->GetAgent(&context, {}, &agent);
  }
  Server& server() { return server_; }

  // SERVING, NOT_SERVING, or the status of the check.
  std::string HealthOf(const std::string& service) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status =
        Health::NewStub(Channel(Address()))->Check(&context, request, &response);
    if (!status.ok()) return absl::StrCat("code ", status.error_code());
    return HealthCheckResponse::ServingStatus_Name(response.status());
  }

  std::atomic<bool> agents_ready = true;
  std::atomic<bool> messages_ready = true;
  std::string printed;

 private:
  testing::TemporaryFolder folder_;
  testing::TestRuntime runtime_;
  GetAgentService agents_;
  MessagesService messages_;
  Server server_;
};

constexpr char kAgents[] = "alma.agents.v1.AgentsService";
constexpr char kMessages[] = "alma.conversations.v1.MessagesService";
constexpr absl::Duration kHealthDelay = absl::Milliseconds(250);

TEST_CASE("health follows what each service says and that of all needs every one") {
  Fixture fixture;
  CHECK(fixture.HealthOf(kAgents) == "SERVING");
  CHECK(fixture.HealthOf(kMessages) == "SERVING");
  CHECK(fixture.HealthOf("") == "SERVING");
  CHECK(fixture.HealthOf("alma.Absent") == absl::StrCat("code ", grpc::StatusCode::NOT_FOUND));
  fixture.agents_ready = false;
  absl::SleepFor(kHealthDelay);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(fixture.HealthOf(kAgents) == "NOT_SERVING");
    REQUIRE(fixture.HealthOf(kMessages) == "SERVING");
    REQUIRE(fixture.HealthOf("") == "NOT_SERVING");
  }
  fixture.agents_ready = true;
  absl::SleepFor(kHealthDelay);
  CHECK(fixture.HealthOf(kAgents) == "SERVING");
  CHECK(fixture.HealthOf("") == "SERVING");
}

TEST_CASE("each listener has a ready line with the address that it got") {
  Fixture fixture;
  std::vector<std::string> addresses;
  for (const absl::string_view line : absl::StrSplit(fixture.printed, '\n', absl::SkipEmpty())) {
    const auto parsed = text::StructFromJson({line.data(), line.size()});
    REQUIRE(parsed.ok());
    CHECK(parsed->fields().at("event").string_value() == "listening");
    CHECK(parsed->fields().at("service").string_value() == "test");
    addresses.push_back(parsed->fields().at("address").string_value());
  }
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0] == fixture.Address());
  CHECK(addresses[1] != "127.0.0.1:0");
  for (const std::string& address : addresses) {
    CAPTURE(address);
    CHECK(fixture.GetAgent(address).ok());
  }
}

TEST_CASE("reflection lists the services of the server") {
  Fixture fixture;
  grpc::ClientContext context;
  const auto stub =
      grpc::reflection::v1::ServerReflection::NewStub(fixture.Channel(fixture.Address()));
  const auto stream = stub->ServerReflectionInfo(&context);
  grpc::reflection::v1::ServerReflectionRequest request;
  request.set_list_services("");
  REQUIRE(stream->Write(request));
  grpc::reflection::v1::ServerReflectionResponse response;
  REQUIRE(stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  CHECK(names == std::vector<std::string>{"grpc.health.v1.Health",
                                          "grpc.reflection.v1.ServerReflection", kAgents,
                                          kMessages});
  stream->WritesDone();
  CHECK(stream->Finish().ok());
}

TEST_CASE("a drain lets the calls in flight end and takes no new ones") {
  absl::Notification begun;
  absl::Notification go_on;
  Fixture fixture([&](const Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
    begun.Notify();
    go_on.WaitForNotification();
    return Agent();
  });
  grpc::Status answered = grpc::Status::CANCELLED;
  std::thread caller([&] { answered = fixture.GetAgent(fixture.Address()); });
  begun.WaitForNotification();
  std::thread drain([&] { fixture.server().Drain(absl::Seconds(10)); });
  absl::SleepFor(absl::Milliseconds(100));
  CHECK(fixture.GetAgent(fixture.Address()).error_code() == grpc::StatusCode::UNAVAILABLE);
  go_on.Notify();
  caller.join();
  drain.join();
  CHECK(answered.ok());
}

TEST_CASE("a drain cancels what takes too long") {
  absl::Notification begun;
  absl::Notification go_on;
  Fixture fixture([&](const Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
    begun.Notify();
    go_on.WaitForNotificationWithTimeout(absl::Seconds(5));
    return Agent();
  });
  grpc::Status answered;
  std::thread caller([&] {
    answered = fixture.GetAgent(fixture.Address());
    go_on.Notify();
  });
  begun.WaitForNotification();
  const absl::Time drained = absl::Now();
  fixture.server().Drain(absl::Milliseconds(200));
  caller.join();
  CHECK(absl::Now() - drained < absl::Seconds(3));
  CHECK_FALSE(answered.ok());
}

TEST_CASE("a port that is taken is refused by name") {
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(bind(taken, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(listen(taken, 1) == 0);
  REQUIRE(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string name = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  Server server(ServerOptions{.name = "test", .listen = {"127.0.0.1:0", name}});
  testing::Captured captured(STDOUT_FILENO);
  const absl::Status refused = server.Start();
  CHECK(captured.Text().empty());
  CHECK(absl::IsUnavailable(refused));
  CHECK(refused.message() == "cannot listen on " + name);
  close(taken);
}

TEST_CASE("two servers cannot share a port") {
  testing::Captured captured(STDOUT_FILENO);
  Server first(ServerOptions{.name = "test", .listen = {"127.0.0.1:0"}});
  REQUIRE(first.Start().ok());
  const std::string line = captured.Text();
  const size_t begin = line.find("127.0.0.1:");
  const std::string name = line.substr(begin, line.find('"', begin) - begin);
  Server second(ServerOptions{.name = "test", .listen = {name}});
  CHECK(absl::IsUnavailable(second.Start()));
}

TEST_CASE("a server is not robbed of its unix socket but what a dead one left is taken over") {
  const testing::TemporaryFolder folder;
  const std::string address = absl::StrCat("unix:", folder.path(), "/socket");
  testing::Captured captured(STDOUT_FILENO);
  {
    Server first(ServerOptions{.name = "test", .listen = {address}});
    REQUIRE(first.Start().ok());
    Server second(ServerOptions{.name = "test", .listen = {address}});
    CHECK(absl::IsUnavailable(second.Start()));
  }
  Server third(ServerOptions{.name = "test", .listen = {address}});
  CHECK(third.Start().ok());
}

TEST_CASE("an address that strangers reach needs insecure to be said") {
  for (const char* address :
       {"0.0.0.0:0", "[::]:0", "example.org:1", "10.0.0.1:1", "*:1", "127.example.org:1"}) {
    CAPTURE(address);
    Server server(ServerOptions{.name = "test", .listen = {address}});
    CHECK(absl::IsFailedPrecondition(server.Start()));
  }
  // Of no machine (RFC 5737): all that fails then is to listen.
  Server server(ServerOptions{.name = "test", .listen = {"192.0.2.1:0"}, .insecure = true});
  CHECK(absl::IsUnavailable(server.Start()));
}

TEST_CASE("what is no address is refused") {
  for (const char* address :
       {"", "localhost", ":7400", "localhost:", "localhost:http", "unix:", "127.0.0.1:74 00",
        "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:99999999999"}) {
    CAPTURE(address);
    Server server(ServerOptions{.name = "test", .listen = {address}});
    CHECK(absl::IsInvalidArgument(server.Start()));
  }
}

}  // namespace
}  // namespace alma::rpc
