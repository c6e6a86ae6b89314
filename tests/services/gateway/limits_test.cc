#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/limit/limiter.h"
#include "common/status/status.h"
#include "tests/services/gateway/served_gateway.h"
#include "tests/support/concurrently.h"
#include "tests/support/deflate.h"
#include "tests/support/eventually.h"
#include "tests/support/limits.h"
#include "tests/support/service_harness.h"

// What a gateway's limiter means for the calls that it forwards.
namespace alma::gateway {
namespace {

using limit::Limiter;
using testing::Eventually;
using testing::ReasonOf;

grpc::Status Get(const Pair& pair, MessagesService::Stub& stub) {
  const auto context = pair.NewContext();
  Message message;
  return stub.GetMessage(context.get(), {}, &message);
}

TEST_CASE("a call beyond the rate does not reach the backend and one that obeys does") {
  std::atomic<int64_t> now = 1;
  Limiter limiter({.key_rate = 4, .key_burst = 1},
                  [&now] { return absl::Nanoseconds(now.load()); });
  Pair pair(&limiter);
  CHECK(Get(pair, *pair.proxied).ok());
  const auto context = pair.NewContext();
  Message message;
  const grpc::Status refused = pair.proxied->GetMessage(context.get(), {}, &message);
  CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(ReasonOf(refused) == "RATE_LIMITED");
  CHECK(testing::PushbackOf(*context) == "260");
  CHECK(pair.messages.calls().size() == 1);
  now += absl::ToInt64Nanoseconds(absl::Milliseconds(250));
  CHECK(Get(pair, *pair.proxied).ok());
  // Who does not come through the gateway is not held to its limits.
  CHECK(Get(pair, *pair.direct).ok());
}

TEST_CASE("gRPC's own retries obey the pushback and get in") {
  Limiter limiter({.key_rate = 2, .key_burst = 1});
  Pair pair(&limiter);
  grpc::ChannelArguments arguments;
  // One more attempt, which without the pushback would come far too early.
  arguments.SetServiceConfigJSON(R"({"methodConfig": [{"name": [{}], "retryPolicy": {
      "maxAttempts": 2, "initialBackoff": "0.001s", "maxBackoff": "0.001s",
      "backoffMultiplier": 1, "retryableStatusCodes": ["RESOURCE_EXHAUSTED"]}}]})");
  const auto stub = MessagesService::NewStub(grpc::CreateCustomChannel(
      pair.gateway.address(), grpc::InsecureChannelCredentials(), arguments));
  for (int i = 0; i < 3; ++i) CHECK(Get(pair, *stub).ok());
  CHECK(pair.messages.calls().size() == 3);
}

// gzip that ends in its header.
void SendDamaged(grpc::GenericStub& stub, grpc::ClientContext& context, const std::string& method) {
  const grpc::ByteBuffer in = testing::Buffer("\x1f\x8b\x08");
  grpc::ByteBuffer out;
  absl::Notification ended;
  stub.UnaryCall(&context, "/alma.conversations.v1.MessagesService/" + method, {}, &in, &out,
                 [&](const grpc::Status&) { ended.Notify(); });
  ended.WaitForNotification();
}

TEST_CASE("a stream of a key that has ended gives its place back though its client takes nothing") {
  Limiter limiter({.organization_concurrency = 1});
  Pair pair(&limiter);
  pair.messages.export_messages = [](grpc::ServerContext&, const auto&, auto& stream) {
    ExportMessagesResponse response;
    response.mutable_message()->set_content(std::string(64 * 1024, 'x'));
    while (stream.Write(response)) {
    }
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto stream = pair.proxied->ExportMessages(context.get(), {});
  ExportMessagesResponse response;
  REQUIRE(stream->Read(&response));
  // Until there is no room for more on the way.
  absl::SleepFor(absl::Milliseconds(500));
  pair.keys.Revoke();
  CHECK(testing::Eventually([&] { return testing::Free(limiter, kOrganization, 1); },
                            absl::Seconds(6)));
  while (stream->Read(&response)) {
  }
  CHECK_FALSE(stream->Finish().ok());
}

// Whether `count` open streams are ended by the revocation of their key.
bool EndByRevocation(Pair& pair, int count) {
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<
      std::unique_ptr<grpc::ClientReaderWriter<ImportMessagesRequest, ImportMessagesResponse>>>
      streams;
  contexts.reserve(count);
  streams.reserve(count);
  ImportMessagesResponse response;
  for (int i = 0; i < count; ++i) {
    contexts.push_back(pair.NewContext());
    streams.push_back(pair.proxied->ImportMessages(contexts.back().get()));
    if (!streams.back()->Write(Item("a")) || !streams.back()->Read(&response)) return false;
  }
  pair.keys.Revoke();
  int refused = 0;
  for (const auto& stream : streams) {
    if (stream->Finish().error_code() == grpc::StatusCode::UNAUTHENTICATED) ++refused;
  }
  return refused == count;
}

grpc::Status Get(const Pair& pair, const std::string& uuid, absl::Duration timeout) {
  const auto context = pair.NewContext();
  context->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  GetMessageRequest request;
  request.set_uuid(uuid);
  Message message;
  return pair.proxied->GetMessage(context.get(), request, &message);
}

// A service that answers nothing called "waits", and refuses what is called "refused".
class Busy {
 public:
  static constexpr int kWaiting = 40;

  Busy() {
    pair.messages.get = [this](auto&, const GetMessageRequest& request, auto&) {
      if (request.uuid() == "waits") go_on_.WaitForNotification();
      if (request.uuid() != "refused") return grpc::Status::OK;
      return status::ToGrpcStatus(status::Overloaded(absl::Seconds(1)));
    };
    waiting_ = std::thread([this] {
      testing::Concurrently(kWaiting, [this](int) {
        if (!Get(pair, "waits", absl::Seconds(60)).ok()) ++failed_;
      });
    });
    REQUIRE(Eventually([this] { return pair.messages.calls().size() == kWaiting; }));
  }
  ~Busy() { Go(); }

  // How many of those that waited have failed.
  int Go() {
    if (waiting_.joinable()) {
      go_on_.Notify();
      waiting_.join();
    }
    return failed_;
  }

  Pair pair;

 private:
  absl::Notification go_on_;
  std::atomic<int> failed_ = 0;
  std::thread waiting_;
};

TEST_CASE("what a service would refuse is refused at the gateway after its first refusal") {
  Busy busy;
  // The window is as wide as before after a third of a second, which a busy machine may take.
  const bool at_the_gateway = Eventually([&] {
    CHECK(ReasonOf(Get(busy.pair, "refused", absl::Seconds(10))) == "OVERLOADED");
    const size_t before = busy.pair.messages.calls().size();
    const grpc::Status next = Get(busy.pair, "next", absl::Seconds(10));
    return ReasonOf(next) == "OVERLOADED" && busy.pair.messages.calls().size() == before;
  });
  CHECK(at_the_gateway);
  // Another method's calls still go.
  const auto context = busy.pair.NewContext();
  const auto stream = busy.pair.proxied->ImportMessages(context.get());
  stream->WritesDone();
  CHECK(stream->Finish().ok());
  CHECK(busy.Go() == 0);
  CHECK(Get(busy.pair, "next", absl::Seconds(10)).ok());
}

TEST_CASE("a refusal for want of time keeps no other call from the service") {
  Busy busy;
  for (int i = 0; i < 20; ++i) {
    const grpc::Status refused = Get(busy.pair, "refused", absl::Milliseconds(400));
    CHECK((ReasonOf(refused) == "OVERLOADED" ||
           refused.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED));
    CHECK(Get(busy.pair, "next", absl::Seconds(10)).ok());
  }
  CHECK(busy.Go() == 0);
}

struct Stubs {
  ApiKeysService::Stub& keys;
  grpc::GenericStub& bytes;
  // Of a gateway whose backend has gone.
  MessagesService::Stub& away;
};

// Ends a call in the n-th way of kEndings.
constexpr int kEndings = 9;

void End(const Pair& pair, const Stubs& stubs, int way) {
  const auto context = pair.NewContext();
  if (way == 0) {
    Get(pair, *pair.proxied);
  } else if (way == 1) {
    // It needs a scope that the key lacks.
    organizations::v1::ApiKey key;
    stubs.keys.GetApiKey(context.get(), {}, &key);
  } else if (way == 2) {
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(2));
    GetMessageRequest request;
    request.set_uuid("slow");
    Message message;
    pair.proxied->GetMessage(context.get(), request, &message);
  } else if (way == 6) {
    Get(pair, stubs.away);
  } else if (way == 7) {
    SendDamaged(stubs.bytes, *context, "GetMessage");
  } else if (way == 8) {
    SendDamaged(stubs.bytes, *context, "ExportMessages");
  } else {
    const auto stream = pair.proxied->ImportMessages(context.get());
    ImportMessagesResponse response;
    stream->Write(Item("a"));
    stream->Read(&response);
    if (way == 3) context->TryCancel();
    if (way == 4) stream->Write(Item("error"));
    stream->WritesDone();
    stream->Finish();
  }
}

TEST_CASE("after calls through the gateway that ended in every way all places are free") {
  constexpr int kCap = 50;
  constexpr int kCalls = 2000;
  Limiter limiter({.organization_concurrency = kCap});
  Pair pair(&limiter);
  pair.messages.get = [](auto&, const GetMessageRequest& request, auto&) {
    if (request.uuid() == "slow") absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "no such message");
  };
  pair.messages.import_messages = [](auto&, ScriptedMessages::Importing& stream) {
    ImportMessagesRequest request;
    while (stream.Read(&request)) {
      if (request.message().content() == "error") {
        return grpc::Status(grpc::StatusCode::ABORTED, "an error of a test");
      }
      stream.Write({});
    }
    return grpc::Status::OK;
  };
  const auto keys = ApiKeysService::NewStub(ChannelTo(pair.gateway.address()));
  const testing::TemporaryFolder folder;
  ServedGateway without_backend(
      {{"organizations", {pair.behind.address()}},
       {"conversations", {absl::StrCat("unix:", folder.path(), "/away")}}},
      &limiter);
  const auto away = MessagesService::NewStub(ChannelTo(without_backend.address()));
  grpc::GenericStub bytes(ChannelTo(pair.gateway.address()));
  const Stubs stubs{*keys, bytes, *away};
  std::atomic<int> next = 0;
  testing::Concurrently(4, [&](int) {
    for (int i = next++; i < kCalls; i = next++) End(pair, stubs, i % kEndings);
  });
  const auto all_free = [&] { return testing::Free(limiter, kOrganization, kCap); };
  CHECK(Eventually(all_free));
  CHECK(EndByRevocation(pair, kCap / 2));
  CHECK(Eventually(all_free));
}

}  // namespace
}  // namespace alma::gateway
