#include "services/gateway/backend.h"

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "services/gateway/channel.h"
#include "services/gateway/health.h"
#include "services/gateway/principals.h"
#include "services/gateway/routes.h"
#include "tests/services/gateway/served_gateway.h"
#include "tests/services/gateway/wire.h"
#include "tests/support/eventually.h"
#include "tests/support/service_harness.h"

namespace alma::gateway {
namespace {

using testing::Eventually;

using Strings = std::vector<std::string>;

TEST_CASE("an address becomes a target of gRPC") {
  CHECK(TargetOf("127.0.0.1:1") == "ipv4:127.0.0.1:1");
  CHECK(TargetOf("unix:/a") == "unix:/a");
  CHECK(TargetOf("[::1]:1") == "ipv6:%5B::1%5D:1");
  CHECK(TargetOf("a:1") == "dns:///a:1");
  CHECK(TargetOf("1a:1") == "dns:///1a:1");
}

TEST_CASE("every service of the linked protos is behind one backend") {
  std::vector<std::string> names;
  for (const std::string_view backend : kBackends) {
    for (const auto* service : ServicesOf(backend)) names.push_back(service->full_name());
  }
  CHECK(names == Strings{"alma.organizations.v1.ApiKeysService",
                         "alma.organizations.v1.OrganizationsService",
                         "alma.conversations.v1.ConversationsService",
                         "alma.conversations.v1.MessagesService", "alma.agents.v1.AgentsService",
                         "alma.analytics.v1.AnalyticsService", "alma.analytics.v1.EventsService",
                         "alma.analytics.v1.FollowUpsService"});
  CHECK(ServicesOf("nothing").empty());
}

TEST_CASE("a principal is signed once a minute for each caller") {
  Principals principals(kSecrets);
  const auth::PrincipalSigner signer(kSecrets);
  auth::v1::Principal caller;
  caller.set_organization_uuid(kOrganization);
  caller.set_api_key_uuid("a");
  caller.add_scopes("agents.read");
  const absl::Time now = absl::Now();
  const std::string first = principals.For(caller, now);
  CHECK(principals.For(caller, now + absl::Seconds(59)) == first);
  // Still good when it is used last, for as long as the service's queue may take.
  CHECK(signer.Verify(first, now + absl::Seconds(119)).ok());
  const std::string second = principals.For(caller, now + absl::Seconds(61));
  CHECK(second != first);

  auto other = caller;
  other.set_api_key_uuid("b");
  CHECK(principals.For(other, now) != second);
  // A key that has changed is another caller at once.
  caller.add_scopes("agents.write");
  const auto changed =
      signer.Verify(principals.For(caller, now + absl::Seconds(62)), now + absl::Seconds(62));
  REQUIRE(changed.ok());
  CHECK(changed->scopes_size() == 2);
  caller.clear_scopes();
  const auto fewer =
      signer.Verify(principals.For(caller, now + absl::Seconds(62)), now + absl::Seconds(62));
  REQUIRE(fewer.ok());
  CHECK(fewer->scopes_size() == 0);
}

// Says in each answer which process it is.
struct Instance {
  explicit Instance(const std::string& name) {
    messages.get = [name](auto&, const auto&, Message& message) {
      message.set_content(name);
      return grpc::Status::OK;
    };
  }
  ScriptedMessages messages;
};

// Two instances, each behind a wire that can be cut.
struct Two {
  Two() {
    a = NewWire("a");
    b = NewWire("b");
  }
  std::unique_ptr<Wire> NewWire(const std::string& name) const {
    return std::make_unique<Wire>(absl::StrCat(folder.path(), "/wire-", name),
                                  absl::StrCat(folder.path(), "/", name));
  }
  std::string Path(const std::string& name) const {
    return absl::StrCat("unix:", folder.path(), "/", name);
  }

  // What is answered how often in so many calls; "" for those that fail.
  std::map<std::string, int> Call(int calls) {
    std::map<std::string, int> answers;
    for (int i = 0; i < calls; ++i) {
      grpc::ClientContext context;
      context.AddMetadata("x-api-key", key);
      Message message;
      last = stub->GetMessage(&context, {}, &message);
      ++answers[last.ok() ? message.content() : ""];
    }
    return answers;
  }

  // Not before both have been asked for their health: whoever is known to serve goes first.
  bool TakeTurns() {
    return Eventually([&] {
      auto answers = Call(100);
      return answers["a"] == 50 && answers["b"] == 50;
    });
  }

  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  Instance first{"a"};
  Instance second{"b"};
  Listening organizations{Path("organizations"), {&keys}};
  Listening listening_a{Path("a"), {&first.messages}};
  Listening listening_b{Path("b"), {&second.messages}};
  std::unique_ptr<Wire> a;
  std::unique_ptr<Wire> b;
  ServedGateway gateway{{{"organizations", {organizations.address()}},
                         {"conversations", {Path("wire-a"), Path("wire-b")}}}};
  std::unique_ptr<MessagesService::Stub> stub =
      MessagesService::NewStub(ChannelTo(gateway.address()));
  const std::string key = keys.Add({"conversations.read"});
  grpc::Status last;
};

TEST_CASE("calls go to the processes of a backend in turn") {
  Two two;
  CHECK(two.TakeTurns());
}

TEST_CASE(
    "a process that has failed a call gets none while another serves until it says that it does") {
  const testing::TemporaryFolder folder;
  Instance first("a");
  Instance second("b");
  const Listening a(absl::StrCat("unix:", folder.path(), "/a"), {&first.messages});
  const Listening b(absl::StrCat("unix:", folder.path(), "/b"), {&second.messages});
  Backend backend({a.address(), b.address()}, {});
  const auto processes_of = [&](int places) {
    std::set<grpc::Channel*> seen;
    for (int i = 0; i < places; ++i) seen.insert(Backend::Place(backend).channel().get());
    return seen;
  };
  const auto both_serve = [&] {
    backend.Report(0, Backend::Health::kServing);
    backend.Report(1, Backend::Health::kServing);
    return processes_of(10).size() == 2;
  };
  REQUIRE(Eventually(both_serve));
  grpc::Channel* failed = nullptr;
  {
    Backend::Place place(backend);
    failed = place.channel().get();
    place.Failed();
  }
  CHECK(processes_of(10).count(failed) == 0);
  CHECK(Eventually(both_serve));
}

TEST_CASE("a process that dies is left out and taken back") {
  Two two;
  REQUIRE(two.TakeTurns());
  two.a.reset();
  // One may be on its way there, and one more if it was just asked for its health.
  auto answers = two.Call(100);
  CAPTURE(two.last.error_message());
  CHECK(answers[""] <= 2);
  CHECK(answers["a"] == 0);
  CHECK(answers["b"] >= 98);
  two.b.reset();
  CHECK(Eventually([&] { return two.Call(1).count("") == 1; }));
  CHECK(two.last.error_code() == grpc::StatusCode::UNAVAILABLE);
  two.a = two.NewWire("a");
  CHECK(Eventually([&] { return two.Call(1).count("a") == 1; }));
  two.b = two.NewWire("b");
  CHECK(two.TakeTurns());
}

TEST_CASE("a process that says it does not serve gets no calls while another does") {
  Two two;
  REQUIRE(two.TakeTurns());
  two.listening_a.SetHealthy(false);
  CHECK(Eventually([&] { return two.Call(10)["b"] == 10; }));
  CHECK(two.Call(100)["b"] == 100);
  // Where none does they say best themselves why, or still answer.
  two.listening_b.SetHealthy(false);
  CHECK(Eventually([&] { return two.Call(2).size() == 2; }));
  auto answers = two.Call(100);
  CHECK(answers["a"] == 50);
  CHECK(answers["b"] == 50);
  two.listening_a.SetHealthy(true);
  CHECK(Eventually([&] { return two.Call(10)["a"] == 10; }));
  two.listening_b.SetHealthy(true);
  CHECK(Eventually([&] { return two.Call(2).size() == 2; }));
}

TEST_CASE("a process that hangs gets no calls once it has not said that it serves") {
  Two two;
  REQUIRE(two.TakeTurns());
  two.a->Freeze(true);
  absl::SleepFor(HealthWatch::kAskEvery + HealthWatch::kAnswerWithin + absl::Seconds(1));
  CHECK(two.Call(100)["b"] == 100);
  two.a->Freeze(false);
  CHECK(Eventually([&] { return two.Call(2).size() == 2; }));
  CHECK(two.Call(100)["a"] == 50);
}

TEST_CASE("calls end at once where the only process hangs") {
  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  Instance instance("a");
  Listening organizations(absl::StrCat("unix:", folder.path(), "/organizations"), {&keys});
  Listening listening(absl::StrCat("unix:", folder.path(), "/a"), {&instance.messages});
  Wire wire(folder.path() + "/wire", folder.path() + "/a");
  ServedGateway gateway(
      {{"organizations", {organizations.address()}}, {"conversations", {wire.address()}}});
  const auto stub = MessagesService::NewStub(ChannelTo(gateway.address()));
  const std::string key = keys.Add({"conversations.read"});
  const auto call = [&](absl::Duration timeout) {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", key);
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    Message message;
    return stub->GetMessage(&context, {}, &message);
  };
  REQUIRE(call(absl::Seconds(5)).ok());
  wire.Freeze(true);
  // The watch does not know yet.
  const absl::Time begun = absl::Now();
  CHECK(call(absl::Milliseconds(100)).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  CHECK(absl::Now() - begun < absl::Seconds(1));

  grpc::Status status;
  absl::Duration took;
  CHECK(Eventually([&] {
    const absl::Time asked = absl::Now();
    status = call(absl::Seconds(2));
    took = absl::Now() - asked;
    return status.error_code() == grpc::StatusCode::UNAVAILABLE;
  }));
  CHECK(took < absl::Milliseconds(500));
  CHECK(testing::ReasonOf(status) == "DATABASE_UNAVAILABLE");
  CHECK(status.error_message() == "the service is unavailable");
  wire.Freeze(false);
  CHECK(Eventually([&] { return call(absl::Seconds(1)).ok(); }));
}

TEST_CASE("a process is reached by a socket and by a port at once") {
  testing::TemporaryFolder folder;
  Instance first("a");
  Instance second("b");
  ScriptedKeys keys;
  Listening by_socket(absl::StrCat("unix:", folder.path(), "/a"), {&first.messages, &keys});
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&second.messages);
  const auto by_port = builder.BuildAndStart();
  by_port->GetHealthCheckService()->SetServingStatus("alma.conversations.v1.MessagesService", true);
  ServedGateway gateway(
      {{"organizations", {by_socket.address()}},
       {"conversations", {by_socket.address(), absl::StrCat("127.0.0.1:", port)}}});
  const auto stub = MessagesService::NewStub(ChannelTo(gateway.address()));
  const std::string key = keys.Add({"conversations.read"});
  std::map<std::string, int> answers;
  const auto call = [&] {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", key);
    Message message;
    REQUIRE(stub->GetMessage(&context, {}, &message).ok());
    ++answers[message.content()];
  };
  REQUIRE(Eventually([&] {
    call();
    return answers.size() == 2;
  }));
  answers.clear();
  for (int i = 0; i < 20; ++i) call();
  CHECK(answers["a"] == 10);
  CHECK(answers["b"] == 10);
}

}  // namespace
}  // namespace alma::gateway
