#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/services/gateway/served_gateway.h"
#include "tests/support/service_harness.h"

// What the client of a gateway sees where gRPC ends calls because their server goes away.
namespace alma::gateway {
namespace {

// A server that never takes up the calls that reach it.
class Deaf {
 public:
  explicit Deaf(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&messages_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    REQUIRE(server_ != nullptr);
  }
  ~Deaf() { Stop(); }

  // Ends the calls that have come as every server of gRPC does with those that reach it between its
  // shutdown and the client's hearing of that.
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown();
    queue_->Shutdown();
    void* tag = nullptr;
    for (bool ok = false; queue_->Next(&tag, &ok);) {
    }
    server_.reset();
  }

 private:
  MessagesService::AsyncService messages_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
};

grpc::Status Get(MessagesService::Stub& stub, grpc::ClientContext& context) {
  Message message;
  return stub.GetMessage(&context, {}, &message);
}

grpc::Status Import(MessagesService::Stub& stub, grpc::ClientContext& context) {
  const auto stream = stub.ImportMessages(&context);
  ImportMessagesResponse response;
  while (stream->Read(&response)) {
  }
  return stream->Finish();
}

TEST_CASE("a call that gRPC cancels because its server goes away is unavailable") {
  const auto call = GENERATE(&Get, &Import);
  testing::TemporaryFolder folder;
  const std::string address = absl::StrCat("unix:", folder.path(), "/deaf");
  ScriptedKeys keys;
  Listening organizations(absl::StrCat("unix:", folder.path(), "/organizations"), {&keys});
  Deaf deaf(address);
  ServedGateway gateway(
      {{"organizations", {organizations.address()}}, {"conversations", {address}}});
  const auto direct = MessagesService::NewStub(ChannelTo(address));
  const auto proxied = MessagesService::NewStub(ChannelTo(gateway.address()));
  const std::string key = keys.Add({"conversations.read", "conversations.write"});
  const std::vector<MessagesService::Stub*> stubs = {direct.get(), proxied.get()};
  std::vector<grpc::Status> ended(stubs.size());
  std::vector<grpc::ClientContext> contexts(stubs.size());
  std::vector<std::thread> clients;
  clients.reserve(stubs.size());
  for (size_t i = 0; i < stubs.size(); ++i) {
    contexts[i].AddMetadata("x-api-key", key);
    clients.emplace_back([&, i] { ended[i] = call(*stubs[i], contexts[i]); });
  }
  // For the calls to have arrived.
  absl::SleepFor(absl::Milliseconds(500));
  deaf.Stop();
  for (std::thread& client : clients) client.join();
  CHECK(ended[0].error_code() == grpc::StatusCode::CANCELLED);
  CHECK(ended[0].error_details().empty());
  CHECK(ended[1].error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(testing::ReasonOf(ended[1]) == "DATABASE_UNAVAILABLE");
  CHECK(Copy(contexts[1].GetServerTrailingMetadata()).count("x-request-id") == 1);
  // So a client that retries does.
  CHECK(contexts[1].GetServerInitialMetadata().empty());
}

}  // namespace
}  // namespace alma::gateway
