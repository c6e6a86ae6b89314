#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/rpc/service.h"
#include "common/status/status.h"
#include "tests/services/gateway/served_gateway.h"
#include "tests/support/deflate.h"
#include "tests/support/service_harness.h"

// Compressed requests go on as they came, for the service to inflate.
namespace alma::gateway {
namespace {

using testing::ReasonOf;

// Messages as Alma's own services answer them.
class Messages final : public rpc::Service {
 public:
  explicit Messages(rpc::Runtime& runtime)
      : Service(*Message::descriptor()->file()->FindServiceByName("MessagesService"), runtime) {
    Handle("GetMessage", &Messages::Get);
    HandleItems("ImportMessages", &Messages::Import);
  }

 private:
  struct Nothing {};

  absl::StatusOr<Message> Get(const rpc::Call&, GetMessageRequest& request) {
    Message message;
    message.set_uuid(request.uuid());
    return message;
  }
  absl::Status Import(const rpc::Call&, Nothing&,
                      std::vector<absl::StatusOr<ImportMessagesRequest>> items,
                      std::vector<ImportMessagesResponse>* responses) {
    for (auto& item : items) {
      ImportMessagesResponse& response = responses->emplace_back();
      if (item.ok()) {
        *response.mutable_message() = std::move(*item->mutable_message());
      } else {
        *response.mutable_error() = status::ToRpcStatus(item.status());
      }
    }
    return absl::OkStatus();
  }
};

// These messages and a key behind a gateway.
class Served {
 public:
  Served()
      : behind_(std::make_unique<rpc::Server>(rpc::ServerOptions{
            .name = "behind", .listen = {absl::StrCat("unix:", folder_.path(), "/messages")}})),
        runtime_{workers_, callers_, metrics_, behind_->hold()},
        messages_(runtime_),
        organizations_(absl::StrCat("unix:", folder_.path(), "/keys"), {&keys_}) {
    behind_->Add(messages_, [] { return true; });
    {
      testing::Captured captured(STDOUT_FILENO);
      REQUIRE(behind_->Start().ok());
    }
    gateway_ = std::make_unique<ServedGateway>(Addresses{
        {"organizations", {organizations_.address()}}, {"conversations", behind_->listen()}});
    channel_ = ChannelTo(gateway_->address());
    key_ =
        keys_.Add({std::string(auth::kConversationsRead), std::string(auth::kConversationsWrite)});
  }
  // Calls end before what they use.
  ~Served() {
    gateway_.reset();
    behind_.reset();
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  std::unique_ptr<grpc::ClientContext> NewContext() const {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("x-api-key", key_);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    return context;
  }

 private:
  const testing::TemporaryFolder folder_;
  rpc::WorkerPool workers_{/*threads=*/2, /*queue_limit=*/100};
  rpc::PrincipalCallers callers_{kSecrets};
  metrics::Calls metrics_;
  std::unique_ptr<rpc::Server> behind_;
  rpc::Runtime runtime_;
  Messages messages_;
  ScriptedKeys keys_;
  Listening organizations_;
  std::unique_ptr<ServedGateway> gateway_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string key_;
};

TEST_CASE("a compressed request of either kind is answered through the gateway") {
  const Served served;
  const auto stub = MessagesService::NewStub(served.channel());
  const std::string large(100'000, 'u');
  for (const auto algorithm : {GRPC_COMPRESS_NONE, GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    CAPTURE(algorithm);
    const auto context = served.NewContext();
    context->set_compression_algorithm(algorithm);
    GetMessageRequest request;
    request.set_uuid(large);
    Message message;
    const grpc::Status status = stub->GetMessage(context.get(), request, &message);
    CAPTURE(status.error_message());
    CHECK(status.ok());
    CHECK(message.uuid() == large);
    const auto importing = served.NewContext();
    importing->set_compression_algorithm(algorithm);
    const auto stream = stub->ImportMessages(importing.get());
    ImportMessagesResponse response;
    for (int i = 0; i < 3; ++i) {
      CHECK(stream->Write(Item(large)));
      CHECK(stream->Read(&response));
      CHECK(response.message().content() == large);
    }
    stream->WritesDone();
    CHECK(stream->Finish().ok());
  }
}

TEST_CASE("a request that was compressed twice is no message through the gateway either") {
  const Served served;
  GetMessageRequest request;
  request.set_uuid("u");
  const auto reason = [&](const std::string& bytes) {
    const auto context = served.NewContext();
    const grpc::ByteBuffer in = testing::Buffer(bytes);
    grpc::ByteBuffer out;
    std::promise<grpc::Status> ended;
    grpc::GenericStub(served.channel())
        .UnaryCall(context.get(), "/alma.conversations.v1.MessagesService/GetMessage", {}, &in,
                   &out, [&](grpc::Status status) { ended.set_value(std::move(status)); });
    return ReasonOf(ended.get_future().get());
  };
  const std::string once = testing::Deflate(request.SerializeAsString(), testing::kGzip);
  CHECK(reason(once).empty());
  CHECK(reason(testing::Deflate(once, testing::kGzip)) == "MALFORMED_REQUEST");
}

}  // namespace
}  // namespace alma::gateway
