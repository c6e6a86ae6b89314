#include <algorithm>
#include <csignal>

#include <google/protobuf/util/json_util.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/auth/api_key.h"
#include "common/auth/principal.h"
#include "google/protobuf/struct.pb.h"
#include "tests/support/deployed.h"
#include "tests/support/secrets.h"
#include "tests/system/conversations.h"
#include "tests/system/keys.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;
using google::protobuf::Struct;

std::string Text(const Struct& line, const std::string& field) {
  const auto found = line.fields().find(field);
  return found == line.fields().end() ? "" : found->second.string_value();
}

std::vector<Struct> ParseLines(const std::string& err) {
  std::vector<Struct> lines;
  for (const auto& text : absl::StrSplit(err, '\n', absl::SkipEmpty())) {
    INFO(text);
    Struct line;
    REQUIRE(google::protobuf::util::JsonStringToMessage(std::string(text), &line).ok());
    lines.push_back(std::move(line));
  }
  return lines;
}

// Calls that use keys in every way that they should not turn up from.
void UseKeys(const Deployed& server, const Bootstrapped& first) {
  const Client client(server.channel(),
                      {{"x-api-key", first.secret}, {"x-request-id", "the-request"}});
  CreateConversations(client, 1);
  const auto made = CreateKey(client, first.organization_uuid);
  v1::GetConversationRequest request;
  request.set_uuid(made.secret());
  for (const std::string& key : {made.secret(), auth::NewApiKey(), first.secret + "!"}) {
    const Client other(server.channel(), key);
    CHECK_FALSE(other.Call(&v1::ConversationsService::Stub::GetConversation, request).status.ok());
    CHECK_FALSE(
        other.CallBytes("alma.conversations.v1.MessagesService/CreateMessage", key).status.ok());
    CHECK_FALSE(other.CallBytes(absl::StrCat("alma.", key, "/Get"), key).status.ok());
  }
}

TEST_CASE("the log is a line of JSON per event and never holds a key", "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  const std::string level = GENERATE("info", "debug");
  CAPTURE(deployment, level);
  const AlmaStorage storage(EngineOf(deployment));
  const Bootstrapped first = Bootstrap(storage);
  const std::vector<std::string> flags = {"--log_level=" + level};
  Deployed server(storage, deployment, flags, flags);
  UseKeys(server, first);
  const Finished ended = server.Stop(SIGTERM);
  CHECK(ended.exit_code == 0);
  CHECK(FindSecret(ended.err).empty());

  const std::vector<Struct> lines = ParseLines(ended.err);
  const auto call = std::find_if(lines.begin(), lines.end(), [](const Struct& line) {
    return Text(line, "method") == "/alma.conversations.v1.ConversationsService/CreateConversation";
  });
  REQUIRE(call != lines.end());
  CHECK(Text(*call, "event") == "call");
  CHECK(Text(*call, "level") == "info");
  CHECK(Text(*call, "request_id") == "the-request");
  CHECK(Text(*call, "organization") == first.organization_uuid);
  CHECK(Text(*call, "code") == "OK");
  CHECK_FALSE(Text(*call, "time").empty());
}

TEST_CASE("the reason of an error stands in the log of every process that a call went through") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  Deployed server(storage, deployment);
  {
    v1::GetConversationRequest request;
    request.set_uuid("01920000-0000-7000-8000-000000000009");
    const Client client(server.channel(), key);
    CHECK(client.Call(&v1::ConversationsService::Stub::GetConversation, request)
              .status.error_code() == grpc::StatusCode::NOT_FOUND);
  }
  int calls = 0;
  for (const Struct& line : ParseLines(server.Stop(SIGTERM).err)) {
    if (Text(line, "code") != "NOT_FOUND") continue;
    ++calls;
    CHECK(Text(line, "reason") == "NOT_FOUND");
  }
  CHECK(calls == (deployment == Deployment::kSplit ? 2 : 1));
}

TEST_CASE("a log is searched for keys and for principals") {
  auth::v1::Principal caller;
  caller.add_scopes("agents.read");
  const std::string principal = auth::PrincipalSigner({{std::string(32, 's')}}).Sign(caller);
  const std::string key = auth::NewApiKey();
  const auto line = [](const std::string& text) {
    return absl::StrCat(R"({"event": "call", "request_id": ")", text, "\"}\n");
  };
  CHECK(FindSecret(line(std::string(128, 'a')) + line(key.substr(0, 12))).empty());
  CHECK(FindSecret(line("") + line(key)) == key.substr(0, 48));
  CHECK(FindSecret(line("alma-principal-bin")) == "alma-principal");
  CHECK_FALSE(FindSecret(line(absl::Base64Escape(principal))).empty());
  CHECK_FALSE(FindSecret(line(absl::WebSafeBase64Escape(principal))).empty());
}

}  // namespace
}  // namespace alma::testing
