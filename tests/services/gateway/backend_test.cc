#include "services/gateway/backend.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "services/gateway/channel.h"
#include "services/gateway/principals.h"
#include "services/gateway/routes.h"
#include "tests/services/gateway/served_gateway.h"
#include "tests/services/gateway/wire.h"

namespace alma::gateway {
namespace {

using Strings = std::vector<std::string>;

TEST_CASE("addresses become as few targets as gRPC allows") {
  CHECK(TargetsOf({"127.0.0.1:1"}) == Strings{"ipv4:127.0.0.1:1"});
  CHECK(TargetsOf({"127.0.0.1:1", "127.0.0.1:2"}) == Strings{"ipv4:127.0.0.1:1,127.0.0.1:2"});
  CHECK(TargetsOf({"unix:/a", "unix:/b"}) == Strings{"unix:/a,/b"});
  CHECK(TargetsOf({"[::1]:1", "[::1]:2"}) == Strings{"ipv6:%5B::1%5D:1,%5B::1%5D:2"});
  CHECK(TargetsOf({"a:1", "unix:/b", "c:2", "10.0.0.1:3"}) ==
        Strings{"dns:///a:1", "dns:///c:2", "unix:/b", "ipv4:10.0.0.1:3"});
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
  REQUIRE(Eventually([&] { return two.Call(2).size() == 2; }));
  const auto answers = two.Call(100);
  CHECK(answers.at("a") == 50);
  CHECK(answers.at("b") == 50);
}

TEST_CASE("a process that dies is left out and taken back") {
  Two two;
  REQUIRE(Eventually([&] { return two.Call(2).size() == 2; }));
  two.a.reset();
  // One at most was picked for it before the connection's end was seen.
  auto answers = two.Call(100);
  CHECK(answers[""] <= 1);
  CHECK(answers["a"] == 0);
  CHECK(answers["b"] >= 99);
  two.b.reset();
  CHECK(Eventually([&] { return two.Call(1).count("") == 1; }));
  CHECK(two.last.error_code() == grpc::StatusCode::UNAVAILABLE);
  two.a = two.NewWire("a");
  CHECK(Eventually([&] { return two.Call(1).count("a") == 1; }));
  two.b = two.NewWire("b");
  CHECK(Eventually([&] { return two.Call(2).size() == 2; }));
  answers = two.Call(100);
  CHECK(answers["a"] == 50);
  CHECK(answers["b"] == 50);
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
