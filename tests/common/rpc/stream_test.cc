#include "common/rpc/stream.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "common/auth/authenticator.h"
#include "common/status/macros.h"
#include "tests/common/rpc/busy_worker.h"
#include "tests/common/rpc/stream_service.h"
#include "tests/support/captured.h"
#include "tests/support/eventually.h"

// How streaming calls begin and end.
namespace alma::rpc {
namespace {

using testing::Eventually;
using testing::InProcessServer;
using testing::ReasonOf;
using testing::TestRuntime;

TEST_CASE("an error of a handler ends the stream behind the answers that it gave") {
  Streams streams([](const Call& call, State& state, Items items,
                     std::vector<ImportMessagesResponse>* responses) {
    RETURN_IF_ERROR(EchoItems(call, state, std::move(items), responses));
    return state.items < 3 ? absl::OkStatus() : status::NotFound("conversation");
  });
  const auto context = ByWriter();
  const auto stream = streams.stub->ImportMessages(context.get());
  ImportMessagesResponse response;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(stream->Write(Item("a")));
    REQUIRE(stream->Read(&response));
    CHECK(response.position() == i);
  }
  CHECK_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(ReasonOf(status) == "NOT_FOUND");
  CHECK(context->GetServerTrailingMetadata().count("x-request-id") == 1);
}

TEST_CASE("an exception of a handler ends the stream with INTERNAL") {
  Streams streams(
      [](const Call&, State&, Items items, std::vector<ImportMessagesResponse>*) -> absl::Status {
        if (!items.empty()) throw std::runtime_error("very private");
        return absl::OkStatus();
      });
  testing::Captured log(STDERR_FILENO);
  const auto context = ByWriter();
  const auto stream = streams.stub->ImportMessages(context.get());
  stream->Write(Item("a"));
  ImportMessagesResponse response;
  CHECK_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  CHECK(ReasonOf(status) == "INTERNAL");
  CHECK(status.error_message().find("private") == std::string::npos);
  CHECK(log.Text().find("private") == std::string::npos);
}

TEST_CASE("a stream of nothing ends well and returns the request id") {
  Streams streams(EchoItems);
  const auto context = ByWriter();
  context->AddMetadata("x-request-id", "stream-1");
  const auto stream = streams.stub->ImportMessages(context.get());
  stream->WritesDone();
  ImportMessagesResponse response;
  CHECK_FALSE(stream->Read(&response));
  CHECK(stream->Finish().ok());
  const auto& metadata = context->GetServerInitialMetadata();
  REQUIRE(metadata.count("x-request-id") == 1);
  CHECK(metadata.find("x-request-id")->second == "stream-1");
}

TEST_CASE("the request id of a stream comes before its first answer") {
  Streams streams(EchoItems);
  const auto context = ByWriter();
  context->AddMetadata("x-request-id", "stream-2");
  const auto stream = streams.stub->ImportMessages(context.get());
  REQUIRE(stream->Write(Item("a")));
  stream->WaitForInitialMetadata();
  CHECK(context->GetServerInitialMetadata().find("x-request-id")->second == "stream-2");
  stream->WritesDone();
  ImportMessagesResponse response;
  while (stream->Read(&response)) continue;
  CHECK(stream->Finish().ok());
  CHECK(context->GetServerTrailingMetadata().count("x-request-id") == 0);
}

TEST_CASE("a stream without a key or its scope is refused before anything is sent") {
  std::atomic<int> run = 0;
  Streams streams([&](const Call&, State&, Items, std::vector<ImportMessagesResponse>*) {
    ++run;
    return absl::OkStatus();
  });
  grpc::ClientContext without_key;
  CHECK(ReasonOf(streams.stub->ImportMessages(&without_key)->Finish()) == "API_KEY_INVALID");
  grpc::ClientContext without_scope;
  testing::SetCaller(without_scope, testing::Caller("o", {auth::kConversationsRead}));
  CHECK(ReasonOf(streams.stub->ImportMessages(&without_scope)->Finish()) == "SCOPE_MISSING");
  CHECK(run == 0);
}

// A service whose callers are let in by others than those of a TestRuntime.
struct StreamsBehind {
  explicit StreamsBehind(Callers& callers)
      : runtime{(*shared).workers, callers, (*shared).metrics, (*shared).hold},
        service(runtime, EchoItems, CountUp),
        server({&service}),
        stub(MessagesService::NewStub(server.channel())) {}

  TestRuntime shared;
  Runtime runtime;
  StreamService service;
  InProcessServer server;
  std::unique_ptr<MessagesService::Stub> stub;
};

// Looks for a key until it is told what to say.
class SlowDoor final : public Callers {
 public:
  bool MayBeInternal() const override { return false; }
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata&, absl::Time) override {
    answer.WaitForNotification();
    return std::make_shared<const auth::v1::Principal>(
        testing::Caller("o", {auth::kConversationsWrite}));
  }
  absl::Notification answer;
};

TEST_CASE("nothing of a stream is read before its key has been looked at") {
  SlowDoor door;
  const StreamsBehind streams(door);
  grpc::ClientContext context;
  const auto stream = streams.stub->ImportMessages(&context);
  std::atomic<bool> written = false;
  // Without a network a message is written when it is read.
  std::thread client([&] { written = stream->Write(Item("a")); });
  absl::SleepFor(absl::Milliseconds(100));
  CHECK_FALSE(written);
  door.answer.Notify();
  client.join();
  CHECK(written);
  stream->WritesDone();
  ImportMessagesResponse response;
  CHECK(stream->Read(&response));
  CHECK_FALSE(stream->Read(&response));
  CHECK(stream->Finish().ok());
}

// Lets a caller in until it is told not to.
class Door final : public Callers {
 public:
  bool MayBeInternal() const override { return false; }
  bool MayLoseAccess() const override { return may_lose_access; }
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata&, absl::Time) override {
    if (!open) return status::ApiKeyInvalid();
    return std::make_shared<const auth::v1::Principal>(
        testing::Caller("o", {auth::kConversationsWrite}));
  }
  std::atomic<bool> open = true;
  bool may_lose_access = true;
};

TEST_CASE("a stream of a caller who cannot lose access outlasts the principal it began with") {
  Door door;
  door.may_lose_access = false;
  const StreamsBehind streams(door);
  grpc::ClientContext context;
  const auto stream = streams.stub->ImportMessages(&context);
  ImportMessagesResponse response;
  REQUIRE(stream->Write(Item("a")));
  REQUIRE(stream->Read(&response));
  door.open = false;
  REQUIRE(stream->Write(Item("b")));
  CHECK(stream->Read(&response));
  stream->WritesDone();
  CHECK_FALSE(stream->Read(&response));
  CHECK(stream->Finish().ok());
  grpc::ClientContext second;
  CHECK(ReasonOf(streams.stub->ImportMessages(&second)->Finish()) == "API_KEY_INVALID");
}

TEST_CASE("a stream ends when its key is not good any more") {
  Door door;
  const StreamsBehind streams(door);
  grpc::ClientContext context;
  const auto stream = streams.stub->ImportMessages(&context);
  ImportMessagesResponse response;
  REQUIRE(stream->Write(Item("a")));
  REQUIRE(stream->Read(&response));
  door.open = false;
  stream->Write(Item("b"));
  CHECK_FALSE(stream->Read(&response));
  CHECK(ReasonOf(stream->Finish()) == "API_KEY_INVALID");
}

// Lets in whoever has a key, for as long as keys are in force.
struct Keyed {
  std::unique_ptr<grpc::ClientReaderWriter<ImportMessagesRequest, ImportMessagesResponse>>
  Import() {
    context.AddMetadata("x-api-key", auth::NewApiKey());
    return streams.stub->ImportMessages(&context);
  }

  std::atomic<bool> in_force = true;
  auth::Authenticator authenticator{
      [this](const std::string&,
             absl::Time) -> absl::StatusOr<organizations::v1::VerifyApiKeyResponse> {
        if (!in_force) return status::NotFound("API key");
        organizations::v1::VerifyApiKeyResponse response;
        response.set_organization_uuid("o");
        response.add_scopes(std::string(auth::kConversationsWrite));
        return response;
      }};
  ApiKeyCallers callers{authenticator};
  const StreamsBehind streams{callers};
  grpc::ClientContext context;
};

TEST_CASE("a stream on which nothing moves ends soon after its key") {
  const bool in_this_process = GENERATE(false, true);
  Keyed keyed;
  const auto stream = keyed.Import();
  ImportMessagesResponse response;
  REQUIRE(stream->Write(Item("a")));
  REQUIRE(stream->Read(&response));
  absl::SleepFor(absl::Milliseconds(1500));
  const absl::Time revoked = absl::Now();
  keyed.in_force = false;
  if (in_this_process) keyed.authenticator.Forget();
  CHECK_FALSE(stream->Read(&response));
  CHECK(ReasonOf(stream->Finish()) == "API_KEY_INVALID");
  CHECK(absl::Now() - revoked < absl::Seconds(in_this_process ? 0.5 : 2.0));
}

TEST_CASE("a stream whose client takes nothing ends soon after its key all the same") {
  Keyed keyed;
  const auto stream = keyed.Import();
  const int before = forgotten;
  for (int i = 0; i < 100; ++i) REQUIRE(stream->Write(Item(std::string(1000, 'a'))));
  ImportMessagesResponse response;
  REQUIRE(stream->Read(&response));
  keyed.in_force = false;
  keyed.authenticator.Forget();
  CHECK(Eventually([&] { return forgotten == before + 1; }, absl::Seconds(5)));
  while (stream->Read(&response)) {
  }
  CHECK_FALSE(stream->Finish().ok());
}

TEST_CASE("a stream finds a full queue and is told when to come back") {
  TestRuntime shared;
  WorkerPool one_worker(1, 1);
  Runtime runtime{one_worker, (*shared).callers, (*shared).metrics, (*shared).hold};
  StreamService service(runtime, EchoItems, CountUp);
  const InProcessServer server({&service});
  BusyWorker busy(one_worker);
  REQUIRE(one_worker.Submit([] {}));
  const auto stub = MessagesService::NewStub(server.channel());
  const grpc::Status refused = stub->ImportMessages(ByWriter().get())->Finish();
  busy.GoOn();
  CHECK(ReasonOf(refused) == "OVERLOADED");
}

TEST_CASE("a stream that is cancelled is forgotten and logged as such") {
  Streams streams(EchoItems);
  testing::Captured captured(STDERR_FILENO);
  const bool answers_wait = GENERATE(false, true);
  const int before = forgotten;
  {
    const auto context = ByWriter();
    const auto stream = streams.stub->ImportMessages(context.get());
    for (int i = 0; i < (answers_wait ? 100 : 1); ++i) REQUIRE(stream->Write(Item("a")));
    ImportMessagesResponse response;
    REQUIRE(stream->Read(&response));
    context->TryCancel();
    CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  CHECK(Eventually([&] { return forgotten == before + 1; }, absl::Seconds(10)));
  const std::string lines = captured.Text();
  INFO(lines);
  CHECK(lines.find(R"("code":"CANCELLED")") != std::string::npos);
}

TEST_CASE("a stream ends at the client's deadline") {
  Streams streams(EchoItems);
  const int before = forgotten;
  const auto context = ByWriter();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  const auto stream = streams.stub->ImportMessages(context.get());
  CHECK(stream->Finish().error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  CHECK(Eventually([&] { return forgotten == before + 1; }, absl::Seconds(10)));
}

}  // namespace
}  // namespace alma::rpc
