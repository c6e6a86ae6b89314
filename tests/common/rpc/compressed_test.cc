#include <memory>
#include <string>

#include <grpcpp/impl/codegen/rpc_method.h>
#include <grpcpp/support/sync_stream.h>

#include "catch2/catch.hpp"
#include "common/rpc/connection.h"
#include "tests/common/rpc/stream_service.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/deflate.h"

// What becomes of compressed requests, of both kinds of calls.
namespace alma::rpc {
namespace {

using testing::Buffer;
using testing::Deflate;
using testing::kGzip;
using testing::kZlib;
using testing::ReasonOf;

// The reason for which GetAgent refuses these bytes; empty where it answers.
std::string UnaryReason(const std::string& bytes) {
  testing::Served served(testing::Echo);
  return ReasonOf(served.Send(*testing::ByReader(), testing::kGetAgent, bytes));
}

// What an import answers to an item of these bytes.
ImportMessagesResponse ItemAnswer(const std::string& bytes) {
  using Bytes = grpc::ByteBuffer;
  Streams streams(EchoItems);
  const auto context = ByWriter();
  const grpc::internal::RpcMethod method("/alma.conversations.v1.MessagesService/ImportMessages",
                                         grpc::internal::RpcMethod::BIDI_STREAMING);
  const std::unique_ptr<grpc::ClientReaderWriter<Bytes, Bytes>> stream(
      grpc::internal::ClientReaderWriterFactory<Bytes, Bytes>::Create(
          streams.server.channel().get(), method, context.get()));
  REQUIRE(stream->Write(Buffer(bytes)));
  stream->WritesDone();
  Bytes answer;
  REQUIRE(stream->Read(&answer));
  REQUIRE(stream->Finish().ok());
  ImportMessagesResponse response;
  REQUIRE(Parse(answer, &response).ok());
  return response;
}

std::string ItemReason(const std::string& bytes) {
  const google::rpc::Status error = ItemAnswer(bytes).error();
  return ReasonOf(
      {static_cast<grpc::StatusCode>(error.code()), error.message(), error.SerializeAsString()});
}

std::string AgentBytes() {
  agents::v1::GetAgentRequest request;
  request.set_uuid(std::string(1000, 'u'));
  return request.SerializeAsString();
}

TEST_CASE("a compressed request is read as what it holds") {
  for (const int format : {kZlib, kGzip}) {
    CAPTURE(format);
    CHECK(UnaryReason(Deflate(AgentBytes(), format)).empty());
    const std::string item = Deflate(Item("held").SerializeAsString(), format);
    CHECK(ItemAnswer(item).message().content() == "held");
  }
}

TEST_CASE("what was compressed twice is no message") {
  CHECK(UnaryReason(Deflate(Deflate(AgentBytes(), kGzip), kGzip)) == "MALFORMED_REQUEST");
  const std::string item = Item("held").SerializeAsString();
  CHECK(ItemReason(Deflate(Deflate(item, kGzip), kGzip)) == "MALFORMED_REQUEST");
}

TEST_CASE("a request that is damaged or holds too much is refused and so is an item alone") {
  const std::string damaged = Deflate(AgentBytes(), kGzip).substr(0, 20);
  CHECK(UnaryReason(damaged) == "MALFORMED_REQUEST");
  CHECK(ItemReason(damaged) == "MALFORMED_REQUEST");
  const std::string large = Deflate(std::string(kMaxMessageBytes + 1, 'a'), kGzip);
  CHECK(UnaryReason(large) == "MALFORMED_REQUEST");
  CHECK(ItemAnswer(large).error().code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace alma::rpc
