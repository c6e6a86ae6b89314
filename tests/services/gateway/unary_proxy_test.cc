#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "google/rpc/status.pb.h"
#include "tests/services/gateway/served_gateway.h"
#include "tests/support/eventually.h"
#include "tests/support/service_harness.h"

namespace alma::gateway {
namespace {

// One call of GetMessage as its client sees it.
std::string Get(const Pair& pair, MessagesService::Stub& stub, const std::string& uuid) {
  const auto context = pair.NewContext();
  GetMessageRequest request;
  request.set_uuid(uuid);
  Message message;
  const grpc::Status status = stub.GetMessage(context.get(), request, &message);
  return absl::StrCat(message.SerializeAsString(), "\n", EndOf(*context, status));
}

grpc::Status GetStatus(grpc::ClientContext& context, MessagesService::Stub& stub) {
  Message message;
  return stub.GetMessage(&context, {}, &message);
}

struct Answer {
  const char* name;
  decltype(ScriptedMessages::get) get;
};

grpc::Status AnswerWithMetadata(grpc::ServerContext& context, const GetMessageRequest&, Message&) {
  context.AddInitialMetadata("first", "1");
  context.AddInitialMetadata("first", "2");
  context.AddInitialMetadata("first-bin", std::string("\0\1\xff", 3));
  context.AddTrailingMetadata("last", "3");
  context.AddTrailingMetadata("last-bin", std::string("\0\1\xff", 3));
  return grpc::Status::OK;
}

decltype(ScriptedMessages::get) OfSize(size_t bytes) {
  return [bytes](auto&, const auto&, Message& message) {
    message.set_content(std::string(bytes, 'x'));
    return grpc::Status::OK;
  };
}

decltype(ScriptedMessages::get) Failing(const grpc::Status& status) {
  return [status](auto&, const auto&, auto&) { return status; };
}

const std::vector<Answer> kAnswers = {
    {"an empty message", OfSize(0)},
    {"a message of almost 4 MiB", OfSize(4 * 1024 * 1024 - 16)},
    {"a message that is too large", OfSize(4 * 1024 * 1024 + 1)},
    {"metadata and trailers", AnswerWithMetadata},
    {"an error with details and trailers",
     [](grpc::ServerContext& context, const auto&, auto&) {
       context.AddTrailingMetadata("last", "3");
       return grpc::Status(grpc::StatusCode::ABORTED, "sta\xc3\xa4le, 100%", "details");
     }},
    {"an error with metadata",
     [](grpc::ServerContext& context, const auto&, auto&) {
       context.AddInitialMetadata("first", "1");
       return grpc::Status(grpc::StatusCode::NOT_FOUND, "none");
     }},
    {"an error without anything", Failing({grpc::StatusCode::INTERNAL, "not now"})},
    {"a code that no service uses", Failing({grpc::StatusCode::DATA_LOSS, ""})},
};

TEST_CASE("a unary call through the gateway looks like one without it") {
  Pair pair;
  for (const Answer& answer : kAnswers) {
    INFO(answer.name);
    pair.messages.get = answer.get;
    const std::string direct = Get(pair, *pair.direct, "u");
    // Not CHECK(a == b), which would print 4 MiB.
    const bool same = Get(pair, *pair.proxied, "u") == direct;
    CHECK(same);
  }
}

TEST_CASE("details of a status arrive once") {
  Pair pair;
  pair.messages.get = [](auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::ABORTED, "stale", "details");
  };
  const auto context = pair.NewContext();
  const grpc::Status status = GetStatus(*context, *pair.proxied);
  CHECK(status.error_details() == "details");
  CHECK(context->GetServerTrailingMetadata().count("grpc-status-details-bin") == 1);
}

TEST_CASE("a request that is too large is refused by the gateway") {
  Pair pair;
  GetMessageRequest request;
  request.set_uuid(std::string(4 * 1024 * 1024 + 1, 'u'));
  const auto context = pair.NewContext();
  Message message;
  const grpc::Status status = pair.proxied->GetMessage(context.get(), request, &message);
  CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(pair.messages.calls().empty());
}

TEST_CASE("the client's deadline ends the call at the backend") {
  Pair pair;
  absl::Notification cancelled;
  std::chrono::system_clock::time_point deadline;
  pair.messages.get = [&](grpc::ServerContext& context, const auto&, auto&) {
    deadline = context.deadline();
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    cancelled.Notify();
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto begun = std::chrono::system_clock::now();
  const auto wanted = begun + std::chrono::milliseconds(300);
  context->set_deadline(wanted);
  CHECK(GetStatus(*context, *pair.proxied).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  REQUIRE(cancelled.WaitForNotificationWithTimeout(absl::Seconds(1)));
  CHECK(deadline > begun);
  CHECK(deadline < wanted + std::chrono::milliseconds(100));
}

TEST_CASE("a call without a deadline gets the gateway's") {
  Pair pair;
  std::chrono::system_clock::time_point deadline;
  pair.messages.get = [&](grpc::ServerContext& context, const auto&, auto&) {
    deadline = context.deadline();
    return grpc::Status::OK;
  };
  grpc::ClientContext context;
  context.AddMetadata("x-api-key", pair.key);
  const auto begun = std::chrono::system_clock::now();
  REQUIRE(GetStatus(context, *pair.proxied).ok());
  CHECK(deadline > begun + std::chrono::seconds(25));
  CHECK(deadline < begun + std::chrono::seconds(32));
}

TEST_CASE("a call that its client gave up before it was let in does not reach the backend") {
  Pair pair;
  pair.keys.delay_millis = 500;
  const auto context = pair.NewContext();
  std::thread client([&] { GetStatus(*context, *pair.proxied); });
  CHECK(testing::Eventually([&] { return !pair.keys.asked().empty(); }));
  context->TryCancel();
  client.join();
  absl::SleepFor(absl::Seconds(1));
  CHECK(pair.messages.calls().empty());
  const auto next = pair.NewContext();
  CHECK(GetStatus(*next, *pair.proxied).ok());
}

TEST_CASE("a client that gives up is not waited for at the backend") {
  Pair pair;
  absl::Notification arrived;
  absl::Notification cancelled;
  absl::Time at;
  pair.messages.get = [&](grpc::ServerContext& context, const auto&, auto&) {
    arrived.Notify();
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    at = absl::Now();
    cancelled.Notify();
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  grpc::Status status;
  std::thread client([&] { status = GetStatus(*context, *pair.proxied); });
  REQUIRE(arrived.WaitForNotificationWithTimeout(absl::Seconds(5)));
  const absl::Time given_up = absl::Now();
  context->TryCancel();
  client.join();
  CHECK(status.error_code() == grpc::StatusCode::CANCELLED);
  REQUIRE(cancelled.WaitForNotificationWithTimeout(absl::Seconds(5)));
  CHECK(at - given_up < absl::Milliseconds(100));
}

TEST_CASE("a backend that gives up is not waited for by the client") {
  Pair pair;
  pair.messages.get = [](grpc::ServerContext& context, const auto&, auto&) {
    context.TryCancel();
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  CHECK(GetStatus(*context, *pair.proxied).error_code() == grpc::StatusCode::CANCELLED);
}

TEST_CASE("a backend that says cancelled itself is what the client is told") {
  Pair pair;
  for (const grpc::Status& said : {grpc::Status(grpc::StatusCode::CANCELLED, "no more"),
                                   grpc::Status(grpc::StatusCode::CANCELLED, "CANCELLED", "why"),
                                   grpc::Status(grpc::StatusCode::CANCELLED, "")}) {
    pair.messages.get = Failing(said);
    const auto context = pair.NewContext();
    const grpc::Status status = GetStatus(*context, *pair.proxied);
    CHECK(status.error_code() == grpc::StatusCode::CANCELLED);
    CHECK(status.error_message() == said.error_message());
    CHECK(status.error_details() == said.error_details());
  }
}

TEST_CASE("trailers up to the limit and beyond it end a call with a status") {
  Pair pair;
  for (const size_t bytes : {4096, 7000, 7900, 8000, 8100, 8192, 9000, 20'000, 70'000}) {
    CAPTURE(bytes);
    pair.messages.get = [bytes](grpc::ServerContext& context, const auto&, auto&) {
      context.AddTrailingMetadata("last", std::string(bytes, 'x'));
      return grpc::Status(grpc::StatusCode::ABORTED, "stale", "details");
    };
    const auto context = pair.NewContext();
    const grpc::StatusCode code = GetStatus(*context, *pair.proxied).error_code();
    // What gRPC has not read of trailers that are too large may end the connection, or the next
    // call.
    const bool refused =
        code == grpc::StatusCode::RESOURCE_EXHAUSTED || code == grpc::StatusCode::UNAVAILABLE;
    CHECK((code == grpc::StatusCode::ABORTED ? bytes <= 8192 : refused && bytes > 7000));
  }
  pair.messages.get = OfSize(1);
  CHECK(testing::Eventually([&] {
    const auto context = pair.NewContext();
    return GetStatus(*context, *pair.proxied).ok();
  }));
}

TEST_CASE("a compressed answer arrives") {
  Pair pair;
  pair.messages.get = [](grpc::ServerContext& context, const auto&, Message& message) {
    context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
    message.set_content(std::string(100'000, 'c'));
    return grpc::Status::OK;
  };
  const std::string direct = Get(pair, *pair.direct, "u");
  CHECK(Get(pair, *pair.proxied, "u") == direct);
}

TEST_CASE("a retry policy of the client works through the gateway") {
  Pair pair;
  std::atomic<int> attempts = 0;
  pair.messages.get = [&](auto&, const auto&, auto&) {
    return ++attempts < 3 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now")
                          : grpc::Status::OK;
  };
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(R"({"methodConfig": [{"name": [{}], "retryPolicy": {
      "maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.01s",
      "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]})");
  const auto stub = MessagesService::NewStub(grpc::CreateCustomChannel(
      pair.gateway.address(), grpc::InsecureChannelCredentials(), arguments));
  const auto context = pair.NewContext();
  CHECK(GetStatus(*context, *stub).ok());
  CHECK(attempts == 3);
}

TEST_CASE("a backend that cannot be reached is unavailable and its address is not told") {
  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  Listening organizations(absl::StrCat("unix:", folder.path(), "/organizations"), {&keys});
  const std::string nowhere = absl::StrCat("unix:", folder.path(), "/nowhere");
  ServedGateway gateway(
      {{"organizations", {organizations.address()}}, {"conversations", {nowhere}}});
  const auto stub = MessagesService::NewStub(ChannelTo(gateway.address()));
  const std::string key = keys.Add({"conversations.read"});
  grpc::ClientContext context;
  context.AddMetadata("x-api-key", key);
  context.AddMetadata("x-request-id", "mine");
  const grpc::Status status = GetStatus(context, *stub);
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(status.error_message() == "the service is unavailable");
  CHECK(testing::ReasonOf(status) == "DATABASE_UNAVAILABLE");
  CHECK(status.error_details().find("nowhere") == std::string::npos);
  CHECK(Copy(context.GetServerTrailingMetadata()).count("x-request-id") == 1);
}

}  // namespace
}  // namespace alma::gateway
