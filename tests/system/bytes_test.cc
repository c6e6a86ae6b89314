#include <future>
#include <memory>

#include <grpcpp/generic/generic_stub.h>

#include "absl/strings/str_cat.h"
#include "common/id/uuid.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"
#include "tests/system/health.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;

constexpr char kCreateMessage[] = "alma.conversations.v1.MessagesService/CreateMessage";
constexpr size_t kMaxMessageBytes = 4 * 1024 * 1024;

// A call that ends without a message, which no stub of a unary method can make.
class CallWithoutMessage final
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  CallWithoutMessage(const Client& client, const std::string& method)
      : context_(client.NewContext(absl::Seconds(30))) {
    grpc::GenericStub(client.channel())
        .PrepareBidiStreamingCall(context_.get(), "/" + method, {}, this);
    StartWritesDone();
    StartCall();
  }
  void OnDone(const grpc::Status& status) override { ended_.set_value(status); }
  grpc::Status Wait() { return ended_.get_future().get(); }

 private:
  const std::unique_ptr<grpc::ClientContext> context_;
  std::promise<grpc::Status> ended_;
};

TEST_CASE("bytes that no message can be read from are refused and leave the process alive") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  Deployed server(storage, deployment);
  const Client client(server.channel(), key);

  SECTION("bytes that are no protobuf") {
    for (const std::string& bytes :
         {std::string("\xff\xff\xff\xff"), std::string("\x0a"), std::string("\x0a\x05hi"),
          std::string("{\"message\": {}}"), std::string("\x0b\x0c\x0c")}) {
      const grpc::Status status = client.CallBytes(kCreateMessage, bytes).status;
      CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
      CHECK(ReasonOf(status) == "MALFORMED_REQUEST");
    }
  }
  SECTION("no message at all") {
    CallWithoutMessage call(client, kCreateMessage);
    const grpc::Status status = call.Wait();
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(ReasonOf(status) == "MALFORMED_REQUEST");
  }
  SECTION("a string that is not UTF-8") {
    const std::string sample = NewMessage(id::NewUuid()).SerializeAsString();
    std::string bytes = sample;
    const size_t at = bytes.find("Ol\xc3\xa1");
    REQUIRE(at != std::string::npos);
    bytes[at + 2] = '\xc3';
    bytes[at + 3] = 'x';
    const grpc::Status status = client.CallBytes(kCreateMessage, bytes).status;
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(ReasonOf(status) == "FIELD_INVALID");
    CHECK(FieldsOf(status) == std::vector<std::string>{"message.content"});
  }
  SECTION("a message of one byte more than 4 MiB") {
    v1::CreateMessageRequest request = NewMessage(id::NewUuid());
    request.mutable_message()->set_content(std::string(kMaxMessageBytes, 'a'));
    const size_t frame = request.ByteSizeLong() - kMaxMessageBytes;
    request.mutable_message()->set_content(std::string(kMaxMessageBytes - frame, 'a'));
    REQUIRE(request.ByteSizeLong() == kMaxMessageBytes);
    const grpc::Status fits = Create(client, request).status;
    CHECK(fits.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(FieldsOf(fits) == std::vector<std::string>{"message.content"});
    request.mutable_message()->mutable_content()->push_back('a');
    CHECK(Create(client, request).status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  SECTION("a compressed message that holds 64 MiB") {
    v1::CreateMessageRequest request = NewMessage(id::NewUuid());
    request.mutable_message()->set_content(std::string(64 << 20, 'a'));
    for (const bool with_key : {false, true}) {
      CAPTURE(with_key);
      grpc::ClientContext context;
      context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
      if (with_key) context.AddMetadata("authorization", "Bearer " + key);
      v1::Message message;
      const grpc::Status status = v1::MessagesService::NewStub(server.channel())
                                      ->CreateMessage(&context, request, &message);
      // Without a key nobody looks what it holds.
      CHECK(status.error_code() ==
            (with_key ? grpc::StatusCode::RESOURCE_EXHAUSTED : grpc::StatusCode::UNAUTHENTICATED));
    }
  }
  CHECK(server.Running());
  CHECK(HealthBecomes(server.channel(), "SERVING", absl::Seconds(5)));
  CHECK(CreateConversations(client, 1).size() == 1);
}

}  // namespace
}  // namespace alma::testing
