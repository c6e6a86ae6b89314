#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/create_channel.h>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::ExportMessagesResponse;
using gateway::ImportMessagesRequest;
using gateway::Message;

constexpr char kExport[] = "alma.conversations.v1.MessagesService/ExportMessages";
constexpr absl::Duration kSoon = absl::Seconds(10);

// A client that can be stopped and killed.
Process StartExport(const Proxied& both) {
  return Process({"grpcurl", "-plaintext", "-unix", "-H", "x-api-key: " + both.key(),
                  both.gateway_address().substr(std::string("unix:").size()), kExport});
}

// Fails the test case unless calls still work.
void CheckServes(const Proxied& both) {
  const auto context = both.NewContext();
  Message message;
  const grpc::Status status = both.proxied->GetMessage(context.get(), {}, &message);
  INFO(status.error_message());
  CHECK(status.ok());
}

// Messages of 64 KiB without end.
struct Endless {
  std::atomic<int> written = 0;
  absl::Notification ended;

  grpc::Status Write(Exporting& stream) {
    ExportMessagesResponse response;
    response.mutable_message()->set_content(std::string(64 * 1024, 'x'));
    while (stream.Write(response)) ++written;
    ended.Notify();
    return grpc::Status::OK;
  }
};

// A client that reads them.
Process StartReading(Proxied& both, Endless& endless) {
  both.messages.export_messages = [&](auto&, const auto&, Exporting& stream) {
    return endless.Write(stream);
  };
  return StartExport(both);
}

TEST_CASE("a client that is killed ends its stream at the backend behind a gateway process") {
  Proxied both;
  Endless endless;
  Process client = StartReading(both, endless);
  REQUIRE(Eventually([&] { return endless.written > 0; }, kSoon));
  client.Signal(SIGKILL);
  CHECK(endless.ended.WaitForNotificationWithTimeout(kSoon));
  CheckServes(both);
}

TEST_CASE("a client that stops reading stops the backend behind a gateway process") {
  Proxied both;
  Endless endless;
  Process client = StartReading(both, endless);
  REQUIRE(Eventually([&] { return endless.written > 0; }, kSoon));
  client.Signal(SIGSTOP);
  int before = -1;
  // Until what lies between them is full.
  const auto stopped = [&] {
    const int now = endless.written;
    const bool same = now == before;
    before = now;
    if (!same) absl::SleepFor(absl::Milliseconds(500));
    return same;
  };
  CHECK(Eventually(stopped, kSoon));
  CheckServes(both);
  CHECK_FALSE(endless.ended.HasBeenNotified());
  client.Signal(SIGKILL);
  CHECK(endless.ended.WaitForNotificationWithTimeout(kSoon));
}

TEST_CASE("clients that open streams and write nothing keep nobody else out") {
  Proxied both;
  std::atomic<int> open = 0;
  both.messages.import_messages = [&](auto&, Importing& stream) {
    ++open;
    ImportMessagesRequest request;
    while (stream.Read(&request)) {
    }
    --open;
    return grpc::Status::OK;
  };
  // gRPC's own server in this process has a thread for each of them.
  constexpr int kSilent = 50;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<
      grpc::ClientReaderWriter<ImportMessagesRequest, gateway::ImportMessagesResponse>>>
      streams;
  contexts.reserve(kSilent);
  streams.reserve(kSilent);
  for (int i = 0; i < kSilent; ++i) {
    contexts.push_back(both.NewContext());
    streams.push_back(both.proxied->ImportMessages(contexts.back().get()));
  }
  CHECK(Eventually([&] { return open == kSilent; }, kSoon));
  CheckServes(both);
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& stream : streams) {
    CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  CHECK(Eventually([&] { return open == 0; }, kSoon));
}

TEST_CASE("metadata that is too large is refused and does no harm to other clients") {
  Proxied both;
  CheckServes(both);
  std::vector<std::string> ends;
  for (const std::string& address : {both.address(), both.gateway_address()}) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto stub = gateway::MessagesService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    const auto context = both.NewContext();
    context->AddMetadata("large", std::string(64 * 1024, 'x'));
    Message message;
    const grpc::Status status = stub->GetMessage(context.get(), {}, &message);
    CHECK(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
    ends.push_back(AllOf(status));
  }
  CHECK(ends[0] == ends[1]);
  CheckServes(both);
  CHECK(both.messages.calls().size() == 2);
}

}  // namespace
}  // namespace alma::testing
