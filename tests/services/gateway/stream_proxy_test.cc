#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/services/gateway/served_gateway.h"

namespace alma::gateway {
namespace {

using Importing = ScriptedMessages::Importing;
using Call = std::function<std::string(const Pair&, MessagesService::Stub&)>;

// One import as its client sees it: each item is answered before the next is sent.
std::string PingPong(const Pair& pair, MessagesService::Stub& stub) {
  const auto context = pair.NewContext();
  const auto stream = stub.ImportMessages(context.get());
  std::string seen;
  ImportMessagesResponse response;
  for (const std::string& content : {std::string("a"), std::string(), std::string(300'000, 'b')}) {
    if (!stream->Write(Item(content)) || !stream->Read(&response)) break;
    seen += response.SerializeAsString();
  }
  stream->WritesDone();
  while (stream->Read(&response)) seen += "more";
  const grpc::Status status = stream->Finish();
  return seen + EndOf(*context, status);
}

// All items at once, then the answers; the shape of a client-streaming call where there is one.
std::string SendAll(const Pair& pair, MessagesService::Stub& stub) {
  const auto context = pair.NewContext();
  const auto stream = stub.ImportMessages(context.get());
  for (int i = 0; i < 100 && stream->Write(Item(std::string(1000, 'c'))); ++i) {
  }
  stream->WritesDone();
  std::string seen;
  ImportMessagesResponse response;
  while (stream->Read(&response)) seen += response.SerializeAsString();
  const grpc::Status status = stream->Finish();
  return seen + EndOf(*context, status);
}

// One request, many answers.
std::string Export(const Pair& pair, MessagesService::Stub& stub) {
  const auto context = pair.NewContext();
  ExportMessagesRequest request;
  request.set_after_revision(7);
  const auto stream = stub.ExportMessages(context.get(), request);
  std::string seen;
  ExportMessagesResponse response;
  while (stream->Read(&response)) seen += response.SerializeAsString() + "\n";
  const grpc::Status status = stream->Finish();
  return seen + EndOf(*context, status);
}

void CheckSame(const Pair& pair, const Call& call) {
  const std::string direct = call(pair, *pair.direct);
  const bool same = call(pair, *pair.proxied) == direct;
  CHECK(same);
}

TEST_CASE("streams of each shape through the gateway look like those without it") {
  Pair pair;
  CheckSame(pair, PingPong);
  CheckSame(pair, Export);
  CheckSame(pair, SendAll);
  // The shape of client streaming: one answer when all has been read.
  pair.messages.import_messages = [](grpc::ServerContext&, Importing& stream) {
    ImportMessagesRequest request;
    ImportMessagesResponse response;
    while (stream.Read(&request)) response.set_position(response.position() + 1);
    stream.Write(response);
    return grpc::Status::OK;
  };
  CheckSame(pair, SendAll);
}

struct Ending {
  const char* name;
  decltype(ScriptedMessages::import_messages) import_messages;
};

const std::vector<Ending> kEndings = {
    {"at once and well", [](auto&, auto&) { return grpc::Status::OK; }},
    {"at once and trailers only",
     [](grpc::ServerContext& context, auto&) {
       context.AddTrailingMetadata("last-bin", std::string("\0\1\xff", 3));
       return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full", "details");
     }},
    {"with metadata before the first message",
     [](grpc::ServerContext& context, Importing& stream) {
       context.AddInitialMetadata("first", "1");
       stream.SendInitialMetadata();
       return grpc::Status(grpc::StatusCode::ABORTED, "no", "details");
     }},
    {"with an error behind a message",
     [](grpc::ServerContext& context, Importing& stream) {
       ImportMessagesRequest request;
       stream.Read(&request);
       stream.Write({});
       context.AddTrailingMetadata("last", "3");
       return grpc::Status(grpc::StatusCode::ABORTED, "no", "details");
     }},
    {"with messages that nobody asked for",
     [](grpc::ServerContext&, Importing& stream) {
       for (int i = 0; i < 3; ++i) stream.Write({});
       return grpc::Status::OK;
     }},
};

// The client only listens.
std::string Listen(const Pair& pair, MessagesService::Stub& stub) {
  const auto context = pair.NewContext();
  const auto stream = stub.ImportMessages(context.get());
  stream->Write(Item("a"));
  std::string seen;
  ImportMessagesResponse response;
  while (stream->Read(&response)) seen += "message\n";
  const grpc::Status status = stream->Finish();
  return seen + EndOf(*context, status);
}

TEST_CASE("a stream that the backend ends early ends so for the client") {
  Pair pair;
  for (const Ending& ending : kEndings) {
    INFO(ending.name);
    pair.messages.import_messages = ending.import_messages;
    const std::string direct = Listen(pair, *pair.direct);
    CHECK(Listen(pair, *pair.proxied) == direct);
  }
}

TEST_CASE("initial metadata arrives before any message") {
  Pair pair;
  pair.messages.import_messages = [](grpc::ServerContext&, Importing& stream) {
    stream.SendInitialMetadata();
    ImportMessagesRequest request;
    stream.Read(&request);
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto stream = pair.proxied->ImportMessages(context.get());
  stream->WaitForInitialMetadata();
  CHECK(Copy(context->GetServerInitialMetadata()).count("x-request-id") == 1);
  stream->WritesDone();
  CHECK(stream->Finish().ok());
}

TEST_CASE("a stream that the client gives up ends at the backend at once") {
  Pair pair;
  absl::Notification arrived;
  absl::Notification cancelled;
  absl::Time at;
  pair.messages.import_messages = [&](grpc::ServerContext& context, Importing& stream) {
    stream.Write({});
    arrived.Notify();
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    at = absl::Now();
    cancelled.Notify();
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto stream = pair.proxied->ImportMessages(context.get());
  ImportMessagesResponse response;
  REQUIRE(stream->Read(&response));
  REQUIRE(arrived.WaitForNotificationWithTimeout(absl::Seconds(5)));
  const absl::Time given_up = absl::Now();
  context->TryCancel();
  CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  REQUIRE(cancelled.WaitForNotificationWithTimeout(absl::Seconds(5)));
  CHECK(at - given_up < absl::Milliseconds(100));
}

TEST_CASE("a stream that the backend cancels ends at the client at once") {
  Pair pair;
  absl::Time at;
  pair.messages.import_messages = [&](grpc::ServerContext& context, Importing& stream) {
    stream.Write({});
    at = absl::Now();
    context.TryCancel();
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto stream = pair.proxied->ImportMessages(context.get());
  ImportMessagesResponse response;
  while (stream->Read(&response)) {
  }
  CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(absl::Now() - at < absl::Milliseconds(100));
}

TEST_CASE("a stream whose deadline passes ends at both sides") {
  Pair pair;
  absl::Notification cancelled;
  pair.messages.import_messages = [&](grpc::ServerContext& context, Importing&) {
    while (!context.IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    cancelled.Notify();
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  const auto stream = pair.proxied->ImportMessages(context.get());
  CHECK(stream->Finish().error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  CHECK(cancelled.WaitForNotificationWithTimeout(absl::Seconds(1)));
}

}  // namespace
}  // namespace alma::gateway
