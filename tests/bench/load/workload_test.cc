#include "tests/bench/load/workload.h"

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "catch2/catch.hpp"
#include "common/auth/principal.h"
#include "common/auth/secret_file.h"
#include "common/id/uuid.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tenants.h"

namespace alma::bench {
namespace {

namespace v1 = conversations::v1;
using testing::Ok;

WorkloadOptions Calling(const std::string& calls) {
  WorkloadOptions options;
  options.calls = calls;
  options.authorizations = {"Bearer key"};
  return options;
}

template <typename Proto>
Proto Parsed(const std::string& bytes) {
  Proto message;
  REQUIRE(message.ParseFromString(bytes));
  return message;
}

TEST_CASE("the driver creates messages of ever new uuids in all conversations") {
  WorkloadOptions options = Calling("create");
  options.conversations = 3;
  Workload workload = Ok(Workload::Create(options));
  std::set<std::string> uuids;
  std::set<std::string> conversations;
  for (int i = 0; i < 100; ++i) {
    const Request request = workload.Next();
    CHECK(request.path == "/alma.conversations.v1.MessagesService/CreateMessage");
    CHECK(request.credential == "authorization");
    CHECK(request.credential_value == "Bearer key");
    const auto created = Parsed<v1::CreateMessageRequest>(request.message).message();
    uuids.insert(created.uuid());
    conversations.insert(created.conversation_uuid());
    CHECK_FALSE(created.content().empty());
  }
  CHECK(uuids.size() == 100);
  CHECK(conversations == std::set<std::string>{NthUuid(1, 0), NthUuid(1, 1), NthUuid(1, 2)});
  CHECK(NthUuid(1, 2) == "0190f5fe-1111-7000-8000-000000000002");
}

TEST_CASE("the driver fills batches and asks for rows that are there") {
  WorkloadOptions options = Calling("batch");
  options.batch_size = 7;
  CHECK(Parsed<v1::BatchCreateMessagesRequest>(Ok(Workload::Create(options)).Next().message)
            .messages_size() == 7);
  options = Calling("get");
  options.messages = 1;
  CHECK(Parsed<v1::GetMessageRequest>(Ok(Workload::Create(options)).Next().message).uuid() ==
        NthUuid(2, 0));
  options = Calling("list");
  options.page_size = 9;
  const auto list = Parsed<v1::ListMessagesRequest>(Ok(Workload::Create(options)).Next().message);
  CHECK(list.page_size() == 9);
  CHECK(list.conversation_uuid() == NthUuid(1, 0));
}

TEST_CASE("the driver mixes calls by their weights") {
  Workload workload = Ok(Workload::Create(Calling("create:3,get:1")));
  int creates = 0;
  for (int i = 0; i < 4000; ++i) {
    if (workload.Next().path.ends_with("CreateMessage")) ++creates;
  }
  CHECK(creates > 2800);
  CHECK(creates < 3200);
}

TEST_CASE("the driver spoils creates by a conversation that does not exist") {
  WorkloadOptions options = Calling("create:9,bad:1");
  options.conversations = 3;
  Workload workload = Ok(Workload::Create(options));
  const std::set<std::string> there = {NthUuid(1, 0), NthUuid(1, 1), NthUuid(1, 2)};
  std::set<std::string> uuids;
  std::string lower;
  int bad = 0;
  for (int i = 0; i < 4000; ++i) {
    const Request request = workload.Next();
    CHECK(request.path == "/alma.conversations.v1.MessagesService/CreateMessage");
    const auto message = Parsed<v1::CreateMessageRequest>(request.message).message();
    uuids.insert(message.uuid());
    // Else its validation would refuse it.
    CHECK(id::ParseUuid(message.conversation_uuid(), &lower));
    CHECK_FALSE(message.content().empty());
    if (!there.contains(message.conversation_uuid())) ++bad;
  }
  CHECK(uuids.size() == 4000);
  CHECK(bad > 300);
  CHECK(bad < 500);
}

TEST_CASE("the driver refuses calls that it does not know") {
  for (const std::string calls : {"", "delete", "create:0", "create:x", "create,,get"}) {
    CAPTURE(calls);
    CHECK(Workload::Create(Calling(calls)).status().code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("the driver signs a principal for each organization in turn") {
  const testing::TemporaryFolder folder;
  WorkloadOptions options;
  options.principal_secret_file = folder.path() + "/secret";
  options.organizations = 2;
  const auth::PrincipalSigner signer(
      Ok(auth::LoadOrCreateSecretFile(options.principal_secret_file)));
  Workload workload = Ok(Workload::Create(options));
  for (const int expected : {0, 1, 0}) {
    const Request request = workload.Next();
    CHECK(request.credential == "alma-principal-bin");
    std::string principal;
    REQUIRE(absl::Base64Unescape(std::string(request.credential_value), &principal));
    CHECK(Ok(signer.Verify(principal, absl::Now())).organization_uuid() == NthUuid(0, expected));
  }
}

TEST_CASE("the driver follows a list by its tokens") {
  Workload workload = Ok(Workload::Create(Calling("conversations")));
  std::vector<std::string> asked;
  const auto answer = [&](const Request& request) -> absl::StatusOr<std::string> {
    asked.push_back(Parsed<v1::ListConversationsRequest>(request.message).page_token());
    v1::ListConversationsResponse response;
    response.add_conversations()->set_uuid("a row");
    if (asked.size() < 4) response.set_next_page_token(absl::StrCat("page ", asked.size() + 1));
    return response.SerializeAsString();
  };
  SECTION("to a page that is there") {
    REQUIRE(workload.GoToPage(4, answer).ok());
    CHECK(asked == std::vector<std::string>{"", "page 2", "page 3"});
    for (int i = 0; i < 2; ++i) {
      const auto request = Parsed<v1::ListConversationsRequest>(workload.Next().message);
      CHECK(request.page_token() == "page 4");
      CHECK(request.page_size() == 50);
    }
  }
  SECTION("and says where it ends") {
    CHECK(workload.GoToPage(6, answer).code() == absl::StatusCode::kOutOfRange);
  }
}

}  // namespace
}  // namespace alma::bench
