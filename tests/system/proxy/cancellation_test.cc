#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::ImportMessagesResponse;
using gateway::Message;

// Some milliseconds, where nothing else runs on the machine.
constexpr absl::Duration kSoon = absl::Seconds(1);

// A call that waits at the backend until it is cancelled there.
struct Waiting {
  absl::Notification arrived;
  absl::Notification cancelled;
  // Valid once `cancelled`.
  absl::Time at;
  absl::Time deadline;

  grpc::Status Wait(grpc::ServerContext& context) {
    deadline = absl::FromChrono(context.deadline());
    arrived.Notify();
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    at = absl::Now();
    cancelled.Notify();
    return grpc::Status::OK;
  }
};

void CheckSoon(absl::Duration took) {
  WARN("took " << absl::FormatDuration(took));
  CHECK(took < kSoon);
}

// Calls and waits for the end.
grpc::StatusCode Get(Stub& stub, grpc::ClientContext& context) {
  Message message;
  return stub.GetMessage(&context, {}, &message).error_code();
}

grpc::StatusCode Import(Stub& stub, grpc::ClientContext& context) {
  const auto stream = stub.ImportMessages(&context);
  ImportMessagesResponse response;
  while (stream->Read(&response)) {
  }
  return stream->Finish().error_code();
}

// Makes both methods wait.
void WaitIn(Proxied& both, Waiting& waiting) {
  both.messages.get = [&](auto& context, const auto&, auto&) { return waiting.Wait(context); };
  both.messages.import_messages = [&](auto& context, Importing& stream) {
    stream.Write({});
    return waiting.Wait(context);
  };
}

TEST_CASE("a call that the client gives up behind a gateway process ends at the backend") {
  const auto call = GENERATE(&Get, &Import);
  Proxied both;
  Waiting waiting;
  WaitIn(both, waiting);
  const auto context = both.NewContext();
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::thread client([&] { code = call(*both.proxied, *context); });
  const bool arrived = waiting.arrived.WaitForNotificationWithTimeout(absl::Seconds(10));
  const absl::Time given_up = absl::Now();
  context->TryCancel();
  client.join();
  REQUIRE(arrived);
  CHECK(code == grpc::StatusCode::CANCELLED);
  REQUIRE(waiting.cancelled.WaitForNotificationWithTimeout(absl::Seconds(10)));
  CheckSoon(waiting.at - given_up);
}

TEST_CASE("a call that the backend gives up behind a gateway process ends at the client") {
  const auto call = GENERATE(&Get, &Import);
  Proxied both;
  absl::Time at;
  both.messages.get = [&](auto& context, const auto&, auto&) {
    at = absl::Now();
    context.TryCancel();
    return grpc::Status::OK;
  };
  both.messages.import_messages = [&](auto& context, auto&) {
    at = absl::Now();
    context.TryCancel();
    return grpc::Status::OK;
  };
  const auto context = both.NewContext();
  CHECK(call(*both.proxied, *context) == grpc::StatusCode::CANCELLED);
  CheckSoon(absl::Now() - at);
}

TEST_CASE("a deadline that passes behind a gateway process ends the call at both sides") {
  const auto call = GENERATE(&Get, &Import);
  Proxied both;
  Waiting waiting;
  WaitIn(both, waiting);
  const absl::Time deadline = absl::Now() + absl::Milliseconds(500);
  const auto context = both.NewContext(absl::Milliseconds(500));
  CHECK(call(*both.proxied, *context) == grpc::StatusCode::DEADLINE_EXCEEDED);
  CheckSoon(absl::Now() - deadline);
  REQUIRE(waiting.cancelled.WaitForNotificationWithTimeout(absl::Seconds(10)));
  CheckSoon(waiting.at - deadline);
  CHECK(waiting.deadline > deadline - kSoon);
  CHECK(waiting.deadline < deadline + kSoon);
}

TEST_CASE("a deadline that the backend says has passed is what the client is told") {
  Proxied both;
  both.messages.get = [](auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "too late", "details");
  };
  for (Stub* stub : {both.direct.get(), both.proxied.get()}) {
    const auto context = both.NewContext();
    Message message;
    const grpc::Status status = stub->GetMessage(context.get(), {}, &message);
    CHECK(status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
    CHECK(status.error_message() == "too late");
    CHECK(status.error_details() == "details");
  }
}

}  // namespace
}  // namespace alma::testing
