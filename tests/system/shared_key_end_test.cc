#include <string>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/alma_server.h"
#include "tests/support/eventually.h"
#include "tests/system/conversations.h"
#include "tests/system/keys.h"

// Keys of processes that share a PostgreSQL and check keys themselves: nobody tells one of what the
// other has changed.
namespace alma::testing {
namespace {

using conversations::v1::ImportMessagesRequest;
using conversations::v1::ImportMessagesResponse;
using conversations::v1::MessagesService;

// Within which a key ends everywhere.
constexpr absl::Duration kEverywhere = absl::Seconds(2);

grpc::Status List(const Client& client) {
  conversations::v1::ListConversationsRequest request;
  request.set_page_size(1);
  return client.Call(&conversations::v1::ConversationsService::Stub::ListConversations, request)
      .status;
}

TEST_CASE("a key that is revoked at one process ends the streams and calls of another within 2 s") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const Bootstrapped first = Bootstrap(storage);
  const AlmaServer one(storage);
  const AlmaServer other(storage);
  const Client admin(other.channel(), first.secret);
  const auto key = CreateKey(admin, first.organization_uuid);
  const Client client(one.channel(), key.secret());
  const std::string conversation = CreateConversations(client, 1).front();

  const auto context = client.NewContext(absl::Minutes(1));
  const auto stub = MessagesService::NewStub(one.channel());
  const auto stream = stub->ImportMessages(context.get());
  ImportMessagesRequest item;
  *item.mutable_message() = NewMessage(conversation).message();
  ImportMessagesResponse response;
  REQUIRE(stream->Write(item));
  REQUIRE(stream->Read(&response));
  REQUIRE(List(client).ok());

  RevokeKey(admin, key.api_key().uuid());
  const absl::Time revoked = absl::Now();
  CHECK(Eventually([&] { return ReasonOf(List(client)) == "API_KEY_INVALID"; }, kEverywhere));
  // Nothing moves on it: it ends by itself.
  while (stream->Read(&response)) {
  }
  CHECK(absl::Now() - revoked < kEverywhere);
  CHECK(ReasonOf(stream->Finish()) == "API_KEY_INVALID");
}

}  // namespace
}  // namespace alma::testing
