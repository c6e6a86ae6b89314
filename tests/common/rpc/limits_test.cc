#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/common/rpc/limited.h"
#include "tests/support/concurrently.h"

// What a limiter and a full queue mean for calls, through stubs.
namespace alma::rpc {
namespace {

using testing::ReasonOf;

TEST_CASE("a key beyond its rate is told when to come back and gets in when it does") {
  Limited limited({.key_rate = 0.75, .key_burst = 2});
  CHECK(limited.Get(*ByKey()).ok());
  CHECK(limited.Get(*ByKey()).ok());
  for (int i = 0; i < 3; ++i) {
    const auto context = ByKey();
    const grpc::Status refused = limited.Get(*context);
    CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    CHECK(ReasonOf(refused) == "RATE_LIMITED");
    CHECK(RetryInfoOf(refused) > absl::Milliseconds(1333));
    CHECK(RetryInfoOf(refused) < absl::Milliseconds(1334));
    CHECK(PushbackOf(*context) == "1334");
    // An answer of trailers alone, or clients would not try again.
    CHECK(context->GetServerInitialMetadata().empty());
    limited.now += absl::ToInt64Nanoseconds(RetryInfoOf(refused));
    CHECK(limited.Get(*ByKey()).ok());
  }
}

TEST_CASE("a call without the scope takes a token and one without a key does not") {
  Limited limited({.key_rate = 0.001, .key_burst = 2});
  grpc::ClientContext nobody;
  CHECK(limited.Get(nobody).error_code() == grpc::StatusCode::UNAUTHENTICATED);
  CHECK(limited.Get(*ByKey({})).error_code() == grpc::StatusCode::PERMISSION_DENIED);
  CHECK(limited.Get(*ByKey()).ok());
  CHECK(ReasonOf(limited.Get(*ByKey())) == "RATE_LIMITED");
  CHECK(ReasonOf(limited.Get(*ByKey({}))) == "RATE_LIMITED");
}

TEST_CASE("a stream takes one token however many items it has") {
  Limited limited({.key_rate = 0.001, .key_burst = 1});
  const auto context = ByKey();
  const auto stream = limited.messages->ImportMessages(context.get());
  ImportMessagesResponse response;
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    stream->Write(Item("a"));
    if (stream->Read(&response)) ++answered;
  }
  stream->WritesDone();
  CHECK(stream->Finish().ok());
  CHECK(answered == 100);
  const auto second = ByKey();
  CHECK(ReasonOf(limited.messages->ImportMessages(second.get())->Finish()) == "RATE_LIMITED");
  CHECK(PushbackOf(*second) == "1000000");
}

TEST_CASE("an open stream is one of the calls that an organization has at a time") {
  Limited limited({.organization_concurrency = 2});
  const std::unique_ptr<grpc::ClientContext> contexts[] = {ByKey(), ByKey()};
  std::unique_ptr<grpc::ClientReaderWriter<ImportMessagesRequest, ImportMessagesResponse>>
      streams[2];
  ImportMessagesResponse response;
  for (int i = 0; i < 2; ++i) {
    streams[i] = limited.messages->ImportMessages(contexts[i].get());
    streams[i]->Write(Item("a"));
    REQUIRE(streams[i]->Read(&response));
  }
  const auto third = ByKey();
  const grpc::Status refused = limited.Get(*third);
  CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(ReasonOf(refused) == "RATE_LIMITED");
  CHECK(RetryInfoOf(refused) == Limiter::kRetryConcurrency);
  CHECK(PushbackOf(*third) == "100");
  streams[0]->WritesDone();
  CHECK(streams[0]->Finish().ok());
  CHECK(limited.Get(*ByKey()).ok());
  // A stream that is looked at again does not count again.
  CHECK(streams[1]->Write(Item("b")));
  CHECK(streams[1]->Read(&response));
  CHECK(limited.Get(*ByKey()).ok());
  streams[1]->WritesDone();
  CHECK(streams[1]->Finish().ok());
}

TEST_CASE("a client that has been answered has its place back at once") {
  Limited limited({.organization_concurrency = 1});
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    if (!limited.Get(*ByKey()).ok()) ++refused;
  }
  CHECK(refused == 0);
}

TEST_CASE("a call that would wait too long for its deadline is refused at the door") {
  absl::Notification go_on;
  Limited limited({}, [&](const Call& call, GetAgentRequest& request) {
    if (request.uuid() == "waits") {
      go_on.WaitForNotification();
    } else {
      absl::SleepFor(absl::Milliseconds(20));
    }
    return testing::Echo(call, request);
  });
  for (int i = 0; i < 3; ++i) CHECK(limited.Get(*ByKey()).ok());
  constexpr int kQueued = 60;
  std::atomic<int> failed = 0;
  std::thread callers([&] {
    testing::Concurrently(8 + kQueued, [&](int) {
      if (!limited.Get(*ByKey(), "waits").ok()) ++failed;
    });
  });
  while (limited.workers.queued() < kQueued) absl::SleepFor(absl::Milliseconds(1));
  const auto context = ByKey();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(150));
  const grpc::Status refused = limited.Get(*context);
  const auto patient = limited.workers.ExpectedWait();
  go_on.Notify();
  callers.join();
  CHECK(ReasonOf(refused) == "OVERLOADED");
  CHECK_FALSE(PushbackOf(*context).empty());
  CHECK(patient >= absl::Milliseconds(20 * kQueued / 8));
  CHECK(failed == 0);
  CHECK(limited.Get(*ByKey()).ok());
}

}  // namespace
}  // namespace alma::rpc
