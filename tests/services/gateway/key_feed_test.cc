#include "services/gateway/key_feed.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/services/gateway/served_gateway.h"
#include "tests/support/eventually.h"
#include "tests/support/service_harness.h"

// How a gateway learns which keys are in force, and what it does while it cannot.
namespace alma::gateway {
namespace {

using testing::Eventually;
using testing::ReasonOf;

// A key store and messages, each a process of its own, and a gateway before them.
struct Split {
  std::unique_ptr<Listening> Start() {
    return std::make_unique<Listening>(absl::StrCat("unix:", folder.path(), "/keys"),
                                       std::vector<grpc::Service*>{&keys});
  }

  grpc::Status Get(const std::string& of) {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", of);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    Message message;
    return stub->GetMessage(&context, {}, &message);
  }
  // Of the gateway's own.
  bool Followed() const { return Metric("alma_key_changes_followed") == 1; }
  double Metric(const std::string& name) const {
    double sum = 0;
    for (const auto& family : gateway.metrics().registry()->Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) sum += metric.gauge.value + metric.counter.value;
    }
    return sum;
  }

  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  ScriptedMessages messages;
  std::unique_ptr<Listening> organizations = Start();
  Listening conversations{absl::StrCat("unix:", folder.path(), "/messages"), {&messages}};
  ServedGateway gateway{{{"organizations", {absl::StrCat("unix:", folder.path(), "/keys")}},
                         {"conversations", {conversations.address()}}}};
  const std::unique_ptr<MessagesService::Stub> stub =
      MessagesService::NewStub(ChannelTo(gateway.address()));
  const std::string key = keys.Add({"conversations.read", "conversations.write"});
};

// A stream of a key on which one item has been answered.
struct Import {
  Import(MessagesService::Stub& stub, const std::string& key) {
    context.AddMetadata("x-api-key", key);
    stream = stub.ImportMessages(&context);
    REQUIRE(Echo());
  }
  bool Echo() { return stream->Write(Item("a")) && stream->Read(&response); }
  // Why it ended, once it has.
  std::string Ended() {
    while (stream->Read(&response)) {
    }
    return ReasonOf(stream->Finish());
  }

  grpc::ClientContext context;
  ImportMessagesResponse response;
  std::unique_ptr<grpc::ClientReaderWriter<ImportMessagesRequest, ImportMessagesResponse>> stream;
};

TEST_CASE("a key is not asked for again until the changes name it") {
  Split split;
  REQUIRE(Eventually([&] { return split.Followed(); }));
  const absl::Time end = absl::Now() + absl::Milliseconds(2500);
  while (absl::Now() < end) {
    REQUIRE(split.Get(split.key).ok());
    absl::SleepFor(absl::Milliseconds(10));
  }
  CHECK(split.keys.asked().size() == 1);
  const absl::Time revoked = absl::Now();
  split.keys.Revoke();
  CHECK(Eventually([&] { return !split.Get(split.key).ok(); }));
  CHECK(absl::Now() - revoked < absl::Milliseconds(500));
  CHECK(ReasonOf(split.Get(split.key)) == "API_KEY_INVALID");
}

TEST_CASE("a stream on which nothing moves ends when its key is revoked") {
  Split split;
  REQUIRE(Eventually([&] { return split.Followed(); }));
  Import import(*split.stub, split.key);
  const absl::Time revoked = absl::Now();
  split.keys.Revoke();
  CHECK(import.Ended() == "API_KEY_INVALID");
  CHECK(absl::Now() - revoked < absl::Seconds(1));
}

TEST_CASE("a look-up that a revocation overtakes does not bring the key back") {
  Split split;
  REQUIRE(Eventually([&] { return split.Followed(); }));
  const std::string admin = split.keys.Add({"organization.admin"});
  grpc::ClientContext context;
  context.AddMetadata("x-api-key", admin);
  const auto api_keys = ApiKeysService::NewStub(ChannelTo(split.gateway.address()));
  // The gateway knows who revokes, and only the key itself is looked up.
  grpc::ClientContext refused;
  refused.AddMetadata("x-api-key", admin);
  ApiKey answer;
  split.keys.revoke_status = {grpc::StatusCode::NOT_FOUND, "no such key"};
  REQUIRE(ReasonOf(api_keys->RevokeApiKey(&refused, {}, &answer)).empty());
  split.keys.revoke_status = grpc::Status::OK;

  const bool told_by_feed = GENERATE(false, true);
  CAPTURE(told_by_feed);
  split.keys.silent = !told_by_feed;
  split.keys.holds_answers = true;
  grpc::Status overtaken;
  std::thread call([&] { overtaken = split.Get(split.key); });
  const bool held = Eventually([&] { return split.keys.held > 0; });
  // It has been read by now as a key in force.
  bool revoked = true;
  if (told_by_feed) {
    split.keys.Revoke();
  } else {
    revoked = api_keys->RevokeApiKey(&context, {}, &answer).ok();
  }
  // Until the gateway has heard of it, and not so long that it would ask again by itself.
  absl::SleepFor(absl::Milliseconds(200));
  split.keys.holds_answers = false;
  call.join();
  REQUIRE(held);
  CHECK(revoked);
  CHECK(ReasonOf(overtaken) == "API_KEY_INVALID");
  for (int i = 0; i < 20; ++i) CHECK(ReasonOf(split.Get(split.key)) == "API_KEY_INVALID");
}

TEST_CASE("no message passes a stream once the gateway has answered that its key is revoked") {
  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  ScriptedMessages messages;
  Listening behind(absl::StrCat("unix:", folder.path(), "/behind"), {&keys, &messages});
  ServedGateway gateway(
      {{"organizations", {behind.address()}}, {"conversations", {behind.address()}}});
  std::atomic<int> arrived = 0;
  messages.import_messages = [&](grpc::ServerContext&, ScriptedMessages::Importing& stream) {
    ImportMessagesRequest request;
    while (stream.Read(&request)) {
      ++arrived;
      stream.Write({});
    }
    return grpc::Status::OK;
  };
  // Not even where the changes do not tell of it.
  keys.silent = true;
  const std::string key = keys.Add({"conversations.write", "organization.admin"});
  const auto channel = ChannelTo(gateway.address());
  const auto stub = MessagesService::NewStub(channel);
  Import import(*stub, key);
  REQUIRE(arrived == 1);
  absl::SleepFor(absl::Milliseconds(1200));
  keys.delay_millis = 300;
  grpc::ClientContext context;
  context.AddMetadata("x-api-key", key);
  ApiKey answer;
  REQUIRE(ApiKeysService::NewStub(channel)->RevokeApiKey(&context, {}, &answer).ok());
  import.stream->Write(Item("late"));
  CHECK(import.Ended() == "API_KEY_INVALID");
  CHECK(arrived == 1);
}

TEST_CASE("what an administrator is refused makes the gateway forget nothing") {
  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  ScriptedMessages messages;
  Listening behind(absl::StrCat("unix:", folder.path(), "/behind"), {&keys, &messages});
  ServedGateway gateway(
      {{"organizations", {behind.address()}}, {"conversations", {behind.address()}}});
  const std::string admin = keys.Add({"conversations.read", "organization.admin"});
  const std::string other = keys.Add({"conversations.read"}, kOtherOrganization);
  const auto channel = ChannelTo(gateway.address());
  const auto use = [&](const std::string& key) {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", key);
    Message message;
    return MessagesService::NewStub(channel)->GetMessage(&context, {}, &message).ok();
  };
  const auto revoke = [&] {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", admin);
    ApiKey answer;
    return ApiKeysService::NewStub(channel)->RevokeApiKey(&context, {}, &answer);
  };
  REQUIRE(Eventually([&] { return use(admin) && use(other); }));
  absl::SleepFor(absl::Seconds(1));
  const size_t asked = keys.asked().size();
  keys.revoke_status = {grpc::StatusCode::NOT_FOUND, "no such key"};
  CHECK_FALSE(revoke().ok());
  CHECK(use(admin));
  CHECK(use(other));
  CHECK(keys.asked().size() == asked);
  // It may have been carried out: the caller's organization is looked at again, no other.
  keys.revoke_status = {grpc::StatusCode::UNKNOWN, "who knows"};
  CHECK_FALSE(revoke().ok());
  CHECK(use(other));
  CHECK(keys.asked().size() == asked);
  CHECK(use(admin));
  CHECK(keys.asked().size() == asked + 1);
}

TEST_CASE("without the key store remembered keys work and all others are refused at once") {
  Split split;
  testing::Captured captured(STDERR_FILENO);
  REQUIRE(Eventually([&] { return split.Followed(); }));
  REQUIRE(split.Get(split.key).ok());
  Import import(*split.stub, split.key);
  const bool hangs = GENERATE(false, true);
  CAPTURE(hangs);
  if (hangs) {
    split.keys.hangs = true;
  } else {
    split.organizations.reset();
  }
  // By then it is known.
  absl::SleepFor(absl::Seconds(3));
  const absl::Time begun = absl::Now();
  for (int i = 0; i < 50; ++i) {
    const grpc::Status status = split.Get(auth::NewApiKey());
    CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
    CHECK(ReasonOf(status) == "DATABASE_UNAVAILABLE");
    CHECK(split.Get(split.key).ok());
  }
  CHECK(absl::Now() - begun < absl::Seconds(1));
  CHECK(import.Echo());
  CHECK(split.Metric("alma_key_lookups_total") >= 50);
  if (hangs) {
    split.keys.hangs = false;
  } else {
    split.organizations = split.Start();
  }
  CHECK(Eventually([&] { return split.Followed(); }));
  CHECK(ReasonOf(split.Get(auth::NewApiKey())) == "API_KEY_INVALID");
  CHECK(import.Echo());
  const std::string text = captured.Text();
  const auto count = [&](const std::string& what) {
    int found = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
      ++found;
    }
    return found;
  };
  CHECK(count("keys_unavailable") == 1);
  CHECK(count("keys_available") == 1);
}

TEST_CASE("a change that happened while nobody was told of changes is made up for") {
  Split split;
  REQUIRE(Eventually([&] { return split.Followed(); }));
  REQUIRE(split.Get(split.key).ok());
  Import import(*split.stub, split.key);
  split.organizations.reset();
  split.keys.Revoke();
  split.organizations = split.Start();
  CHECK(import.Ended() == "API_KEY_INVALID");
  CHECK(ReasonOf(split.Get(split.key)) == "API_KEY_INVALID");
}

TEST_CASE("keys work by look-ups alone where nobody tells of changes") {
  Split split;
  split.keys.silent = true;
  // Longer than the silence is waited for.
  const absl::Time end = absl::Now() + absl::Seconds(4);
  while (absl::Now() < end) {
    REQUIRE(split.Get(split.key).ok());
    CHECK(ReasonOf(split.Get(auth::NewApiKey())) == "API_KEY_INVALID");
    absl::SleepFor(absl::Milliseconds(20));
  }
  Import import(*split.stub, split.key);
  const absl::Time revoked = absl::Now();
  split.keys.Revoke();
  CHECK(import.Ended() == "API_KEY_INVALID");
  CHECK(absl::Now() - revoked < absl::Seconds(2));
  CHECK(ReasonOf(split.Get(split.key)) == "API_KEY_INVALID");
}

TEST_CASE("of two key stores the one that hangs is left for the other") {
  testing::TemporaryFolder folder;
  ScriptedKeys hanging;
  ScriptedKeys keys;
  ScriptedMessages messages;
  hanging.hangs = true;
  Listening first(absl::StrCat("unix:", folder.path(), "/first"), {&hanging});
  Listening second(absl::StrCat("unix:", folder.path(), "/second"), {&keys, &messages});
  ServedGateway gateway({{"organizations", {first.address(), second.address()}},
                         {"conversations", {second.address()}}});
  const std::string key = keys.Add({"conversations.read"});
  const auto stub = MessagesService::NewStub(ChannelTo(gateway.address()));
  const auto get = [&] {
    grpc::ClientContext context;
    context.AddMetadata("x-api-key", key);
    Message message;
    return stub->GetMessage(&context, {}, &message).ok();
  };
  CHECK(get());
  CHECK(Eventually([&] {
    for (const auto& family : gateway.metrics().registry()->Collect()) {
      if (family.name == "alma_key_changes_followed") {
        return family.metric.front().gauge.value == 1;
      }
    }
    return false;
  }));
  keys.Revoke();
  CHECK(Eventually([&] { return !get(); }));
}

}  // namespace
}  // namespace alma::gateway
