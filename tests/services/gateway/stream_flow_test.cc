#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/services/gateway/served_gateway.h"
#include "tests/services/gateway/wire.h"
#include "tests/support/eventually.h"
#include "tests/support/service_harness.h"

namespace alma::gateway {
namespace {

using testing::Eventually;

using Importing = ScriptedMessages::Importing;
using Exporting = ScriptedMessages::Exporting;

// 64 KiB a message.
const std::string kContent(64 * 1024, 'x');
// What HTTP/2 and the sockets between two processes take before a writer waits, in messages.
constexpr int kBetween = 160;

TEST_CASE("a client that reads slowly slows down the backend") {
  Pair pair;
  std::atomic<int> written = 0;
  pair.messages.export_messages = [&](grpc::ServerContext&, const auto&, Exporting& stream) {
    ExportMessagesResponse response;
    response.mutable_message()->set_content(kContent);
    while (written < 5000 && stream.Write(response)) ++written;
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto stream = pair.proxied->ExportMessages(context.get(), {});
  ExportMessagesResponse response;
  for (int read = 1; read <= 5; ++read) {
    REQUIRE(stream->Read(&response));
    absl::SleepFor(absl::Milliseconds(100));
    CHECK(written < read + 2 * kBetween);
  }
  context->TryCancel();
  CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
}

TEST_CASE("a backend that reads slowly slows down the client") {
  Pair pair;
  absl::Notification go_on;
  std::atomic<int> read = 0;
  pair.messages.import_messages = [&](grpc::ServerContext&, Importing& stream) {
    go_on.WaitForNotification();
    ImportMessagesRequest request;
    while (stream.Read(&request)) ++read;
    return grpc::Status::OK;
  };
  const auto context = pair.NewContext();
  const auto stream = pair.proxied->ImportMessages(context.get());
  std::atomic<int> written = 0;
  std::thread client([&] {
    while (written < 1000 && stream->Write(Item(kContent))) ++written;
    stream->WritesDone();
  });
  absl::SleepFor(absl::Milliseconds(500));
  CHECK(written < 2 * kBetween);
  go_on.Notify();
  client.join();
  CHECK(stream->Finish().ok());
  CHECK(written == 1000);
  CHECK(read == 1000);
}

TEST_CASE("a backend that dies ends the streams on it as unavailable") {
  testing::TemporaryFolder folder;
  ScriptedKeys keys;
  ScriptedMessages messages;
  Listening organizations(absl::StrCat("unix:", folder.path(), "/organizations"), {&keys});
  auto behind = std::make_unique<Wire>(absl::StrCat(folder.path(), "/wire"),
                                       absl::StrCat(folder.path(), "/behind"));
  Listening conversations(absl::StrCat("unix:", folder.path(), "/behind"), {&messages});
  ServedGateway gateway(
      {{"organizations", {organizations.address()}}, {"conversations", {behind->address()}}});
  const std::string key = keys.Add({"conversations.read", "conversations.write"});
  const auto stub = MessagesService::NewStub(ChannelTo(gateway.address()));
  grpc::ClientContext context;
  context.AddMetadata("x-api-key", key);
  const auto stream = stub->ImportMessages(&context);
  ImportMessagesResponse response;
  REQUIRE(stream->Write(Item("a")));
  REQUIRE(stream->Read(&response));
  behind.reset();
  while (stream->Read(&response)) {
  }
  const grpc::Status status = stream->Finish();
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(status.error_message() == "the service is unavailable");
  CHECK(testing::ReasonOf(status) == "DATABASE_UNAVAILABLE");
}

TEST_CASE("many streams at a time do not stand in the way of other calls") {
  Pair pair;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<ExportMessagesResponse>>> streams;
  std::atomic<int> open = 0;
  absl::Notification end;
  pair.messages.export_messages = [&](grpc::ServerContext&, const auto&, Exporting& stream) {
    stream.Write({});
    ++open;
    end.WaitForNotification();
    return grpc::Status::OK;
  };
  // More than the gateway puts on one connection, from clients with a connection each.
  const auto second = MessagesService::NewStub(ChannelTo(pair.gateway.address()));
  constexpr int kStreams = rpc::kGatewayCallsPerConnection + 60;
  for (int i = 0; i < kStreams; ++i) {
    contexts.push_back(pair.NewContext());
    streams.push_back(
        (i % 2 == 0 ? *pair.proxied : *second).ExportMessages(contexts.back().get(), {}));
  }
  CHECK(Eventually([&] { return open == kStreams; }));
  const auto context = pair.NewContext();
  Message message;
  CHECK(pair.proxied->GetMessage(context.get(), {}, &message).ok());
  end.Notify();
  ExportMessagesResponse response;
  for (const auto& stream : streams) {
    while (stream->Read(&response)) {
    }
    CHECK(stream->Finish().ok());
  }
}

}  // namespace
}  // namespace alma::gateway
