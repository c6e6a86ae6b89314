#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/common/rpc/limited.h"
#include "tests/support/concurrently.h"
#include "tests/support/eventually.h"

// What a limiter and a full queue mean for calls, through stubs.
namespace alma::rpc {
namespace {

using testing::Eventually;
using testing::PushbackOf;
using testing::ReasonOf;
using testing::RetryInfoOf;

constexpr char kOther[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ee";
constexpr char kThird[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ff";

const std::vector<std::string_view> kScopes = {auth::kAgentsRead, auth::kConversationsWrite};

std::string StreamReason(const Limited& limited, grpc::ClientContext& context) {
  return ReasonOf(limited.messages->ImportMessages(&context)->Finish());
}

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
    CHECK(PushbackOf(*context) == "1344");
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
  CHECK(PushbackOf(*second) == "1000010");
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
  CHECK(RetryInfoOf(refused) >= Limiter::kRetryConcurrency);
  CHECK(RetryInfoOf(refused) <= 1.5 * Limiter::kRetryConcurrency);
  CHECK(std::stoi(PushbackOf(*third)) >= 100);
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

// Calls that wait in a handler, or for a worker, until they are let go.
class Waiting {
 public:
  Waiting(Limited& limited, absl::Notification& go_on) : limited_(limited), go_on_(go_on) {}
  ~Waiting() {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
    Join();
  }

  // Begins `count` calls of the organization; true once `queued` calls wait for a worker.
  bool Begin(int count, const std::string& organization, size_t queued) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, organization] {
        if (!limited_.Get(*ByKey(kScopes, organization)).ok()) ++failed_;
      });
    }
    return Eventually([&] { return limited_.workers.queued() == queued; }, absl::Seconds(10));
  }

  // How many failed of them all.
  int Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return failed_;
  }

 private:
  Limited& limited_;
  absl::Notification& go_on_;
  std::atomic<int> failed_ = 0;
  std::vector<std::thread> threads_;
};

TEST_CASE("an organization cannot fill the queue and who may not call does not queue") {
  constexpr int kCap = Limited::kWorkers + 4;
  constexpr size_t kQueue = 8;
  absl::Notification go_on;
  std::atomic<int> running = 0;
  const auto hold = [&](const Call& call, GetAgentRequest& request) {
    ++running;
    go_on.WaitForNotification();
    return testing::Echo(call, request);
  };
  Limited limited({.organization_concurrency = kCap}, hold, EchoItems, kQueue);
  Waiting waiting(limited, go_on);
  REQUIRE(waiting.Begin(Limited::kWorkers, kOrganization, 0));
  REQUIRE(Eventually([&] { return running == Limited::kWorkers; }, absl::Seconds(10)));
  REQUIRE(waiting.Begin(kCap - Limited::kWorkers, kOrganization, kCap - Limited::kWorkers));
  // Its calls that wait count, so the rest of the queue is for others.
  const auto soon = [](std::unique_ptr<grpc::ClientContext> context) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(2));
    return context;
  };
  CHECK(ReasonOf(limited.Get(*soon(ByKey(kScopes)))) == "RATE_LIMITED");
  CHECK(StreamReason(limited, *soon(ByKey(kScopes))) == "RATE_LIMITED");
  REQUIRE(waiting.Begin(4, kOther, kQueue));
  // It is full now, which only those are told who may call.
  for (const bool stream : {false, true}) {
    const auto reason = [&](std::unique_ptr<grpc::ClientContext> context) {
      return stream ? StreamReason(limited, *context) : ReasonOf(limited.Get(*context));
    };
    CAPTURE(stream);
    CHECK(reason(soon(std::make_unique<grpc::ClientContext>())) == "API_KEY_INVALID");
    CHECK(reason(soon(ByKey({}, kThird))) == "SCOPE_MISSING");
    CHECK(reason(soon(ByKey(kScopes))) == "RATE_LIMITED");
    // Each gives its place back, or the last ones would find none.
    for (int i = 0; i < 2 * kCap; ++i) CHECK(reason(soon(ByKey(kScopes, kThird))) == "OVERLOADED");
  }
  CHECK(testing::Free(limited.limiter, kThird, kCap));
  go_on.Notify();
  CHECK(waiting.Join() == 0);
  CHECK(testing::Free(limited.limiter, kOrganization, kCap));
}

TEST_CASE("a key that has to be looked up waits for a worker and is checked there") {
  absl::Notification go_on;
  std::atomic<int> running = 0;
  const auto hold = [&](const Call& call, GetAgentRequest& request) {
    ++running;
    go_on.WaitForNotification();
    return testing::Echo(call, request);
  };
  Limited limited({.organization_concurrency = 100}, hold, EchoItems, /*queue_limit=*/1);
  limited.callers.remembered = false;
  Waiting waiting(limited, go_on);
  for (int i = 1; i <= Limited::kWorkers; ++i) {
    REQUIRE(waiting.Begin(1, kOrganization, 0));
    REQUIRE(Eventually([&] { return running == i; }, absl::Seconds(10)));
  }
  REQUIRE(waiting.Begin(1, kOrganization, 1));
  grpc::ClientContext nobody;
  CHECK(ReasonOf(limited.Get(nobody)) == "OVERLOADED");
  go_on.Notify();
  CHECK(waiting.Join() == 0);
  grpc::ClientContext nobody_again;
  CHECK(ReasonOf(limited.Get(nobody_again)) == "API_KEY_INVALID");
  CHECK(testing::Free(limited.limiter, kOrganization, 100));
}

TEST_CASE("a key that has ended while its call waited is refused by the worker") {
  Limited limited({.organization_concurrency = 1});
  for (int i = 0; i < 3; ++i) {
    CHECK(ReasonOf(limited.Get(*ByKey(kScopes, kOrganization, kEndedKey))) == "API_KEY_INVALID");
    CHECK(StreamReason(limited, *ByKey(kScopes, kOrganization, kEndedKey)) == "API_KEY_INVALID");
  }
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
