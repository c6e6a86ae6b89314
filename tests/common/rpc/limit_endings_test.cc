#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/common/rpc/limited.h"
#include "tests/support/concurrently.h"
#include "tests/support/deflate.h"
#include "tests/support/eventually.h"

// However a call ends, its place among the calls of its organization is free again.
namespace alma::rpc {
namespace {

using testing::Eventually;

// Ends a call in the n-th way of kEndings, and answers the code that its client saw.
constexpr int kEndings = 14;

grpc::Status GivenUp(const Limited& limited) {
  const auto context = ByKey();
  GetAgentRequest request;
  request.set_uuid("slow");
  Agent agent;
  absl::Notification ended;
  grpc::Status status;
  limited.agents->async()->GetAgent(context.get(), &request, &agent, [&](grpc::Status answered) {
    status = std::move(answered);
    ended.Notify();
  });
  context->TryCancel();
  ended.WaitForNotification();
  return status;
}

// gzip that ends in its header.
grpc::Status Damaged(Limited& limited, const std::string& path) {
  const auto context = ByKey();
  const grpc::ByteBuffer in = testing::Buffer("\x1f\x8b\x08");
  grpc::ByteBuffer out;
  absl::Notification ended;
  grpc::Status status;
  grpc::GenericStub(limited.server.channel())
      .UnaryCall(context.get(), path, {}, &in, &out, [&](grpc::Status answered) {
        status = std::move(answered);
        ended.Notify();
      });
  ended.WaitForNotification();
  return status;
}

grpc::Status Import(const Limited& limited, const std::string& item, bool cancel, bool stall) {
  const auto context = ByKey();
  if (stall) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(2));
  }
  const auto stream = limited.messages->ImportMessages(context.get());
  stream->Write(Item(item));
  ImportMessagesResponse response;
  stream->Read(&response);
  if (cancel) context->TryCancel();
  if (!stall) stream->WritesDone();
  while (stream->Read(&response)) {
  }
  return stream->Finish();
}

grpc::Status Export(const Limited& limited, bool cancel) {
  const auto context = ByKey();
  const auto stream = limited.messages->ExportMessages(context.get(), {});
  ExportMessagesResponse response;
  stream->Read(&response);
  if (cancel) context->TryCancel();
  while (stream->Read(&response)) {
  }
  return stream->Finish();
}

grpc::Status End(Limited& limited, int way) {
  const auto context = ByKey();
  switch (way) {
    case 0:
      return limited.Get(*context);
    case 1:
      return limited.Get(*context, "error");
    case 2:
      return limited.Get(*context, "exception");
    case 3:
      return limited.Get(*ByKey({}));
    case 4:
      context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(1));
      return limited.Get(*context, "slow");
    case 5:
      return GivenUp(limited);
    case 6:
      return Import(limited, "a", /*cancel=*/false, /*stall=*/false);
    case 7:
      return Import(limited, "error", /*cancel=*/false, /*stall=*/false);
    case 8:
      return Import(limited, "a", /*cancel=*/true, /*stall=*/false);
    case 9:
      return Import(limited, "a", /*cancel=*/false, /*stall=*/true);
    case 10:
      // A key that ends while the call waits for its worker.
      return limited.Get(*ByKey({auth::kAgentsRead}, kOrganization, kEndedKey));
    case 11:
      return Damaged(limited, testing::kGetAgent);
    case 12:
      return Damaged(limited, "/alma.conversations.v1.MessagesService/ExportMessages");
    default:
      return Export(limited, /*cancel=*/true);
  }
}

absl::StatusOr<Agent> GetOrFail(const Call& call, GetAgentRequest& request) {
  if (request.uuid() == "error") return status::NotFound("agent");
  if (request.uuid() == "exception") throw std::runtime_error("thrown by a test");
  if (request.uuid() == "slow") absl::SleepFor(absl::Milliseconds(2));
  return testing::Echo(call, request);
}

absl::Status EchoOrFail(const Call& call, State& state, Items items,
                        std::vector<ImportMessagesResponse>* responses) {
  for (const auto& item : items) {
    if (item.ok() && item->message().content() == "error") return status::NotFound("item");
  }
  return EchoItems(call, state, std::move(items), responses);
}

TEST_CASE("after ten thousand calls that ended in every way all places are free") {
  constexpr int kCap = 64;
  constexpr int kThreads = 8;
  constexpr int kCalls = 10'000;
  const bool remembered = GENERATE(true, false);
  CAPTURE(remembered);
  Limited limited({.organization_concurrency = kCap}, GetOrFail, EchoOrFail);
  limited.callers.remembered = remembered;
  std::atomic<int> codes[17] = {};
  std::atomic<int> next = 0;
  testing::Concurrently(kThreads, [&](int) {
    for (int i = next++; i < kCalls; i = next++) {
      ++codes[End(limited, i % kEndings).error_code()];
    }
  });
  for (const auto code : {grpc::StatusCode::OK, grpc::StatusCode::NOT_FOUND,
                          grpc::StatusCode::INTERNAL, grpc::StatusCode::PERMISSION_DENIED,
                          grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::CANCELLED,
                          grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::INVALID_ARGUMENT}) {
    CAPTURE(code);
    CHECK(codes[code] > kCalls / kEndings / 2);
  }
  // Clients that go are not waited for.
  CHECK(Eventually([&] { return testing::Free(limited.limiter, kOrganization, kCap); },
                   absl::Seconds(10)));
}

}  // namespace
}  // namespace alma::rpc
