#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/support/deployed.h"
#include "tests/system/grpcurl.h"
#include "tests/system/health.h"

namespace alma::testing {
namespace {

using Catch::Matchers::Contains;

const std::vector<std::string>& ServiceNames() {
  static const std::vector<std::string> names = {
      "alma.agents.v1.AgentsService",
      "alma.analytics.v1.AnalyticsService",
      "alma.analytics.v1.EventsService",
      "alma.analytics.v1.FollowUpsService",
      "alma.conversations.v1.ConversationsService",
      "alma.conversations.v1.MessagesService",
      "alma.organizations.v1.ApiKeysService",
      "alma.organizations.v1.OrganizationsService",
  };
  return names;
}

// The keys that the seed gives for the JSON of each payload.
const std::map<std::string, std::vector<std::string>>& SeedKeys() {
  static const std::map<std::string, std::vector<std::string>> keys = {
      {"SalesStageChange", {"OLD_STAGE", "NEW_STAGE"}},
      {"FollowupDetection", {"FOLLOWUP_TRY", "FOLLOWUP_TIME", "FOLLOWUP_TYPE"}},
      {"ObjectionDetection", {"OBJECTION_TYPE"}},
      {"SaleMade", {"PRODUCT", "PRICE", "DISCOUNT"}},
      {"MeetingScheduled", {"TIME_SCHEDULED", "MEETING_CHANNEL", "LINK"}},
      {"MeetingDone", {"ATTENDED", "DURATION", "TRANSCRIPTION", "VIDEO"}},
      {"CustomerInformationDetection", {"VALUE", "DETAILS"}},
  };
  return keys;
}

TEST_CASE("grpcurl lists and describes every service without a key") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Deployed server(storage, deployment);
  const Finished listed = Grpcurl(server.address(), {"list"});
  INFO(listed.err);
  REQUIRE(listed.exit_code == 0);
  std::vector<std::string> expected = ServiceNames();
  expected.insert(expected.end(), {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"});
  const std::vector<std::string> names = absl::StrSplit(listed.out, '\n', absl::SkipEmpty());
  CHECK_THAT(names, Catch::Matchers::UnorderedEquals(expected));
  for (const std::string& name : expected) {
    CAPTURE(name);
    CHECK_THAT(Grpcurl(server.address(), {"describe", name}).out, Contains("rpc "));
  }
}

TEST_CASE("a grpcurl that knows reflection by v1alpha only lists and describes and calls") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = "authorization: Bearer " + Bootstrap(storage).secret;
  const Deployed server(storage, deployment);
  const auto grpcurl = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command = {"grpcurl-v1.8.7", "-plaintext", "-H", key,
                                        server.address()};
    command.insert(command.end(), words.begin(), words.end());
    const Finished ended = Run(command);
    INFO(ended.err);
    CHECK(ended.exit_code == 0);
    return ended.out;
  };
  const std::string listed = grpcurl({"list"});
  for (const std::string& name : ServiceNames()) {
    CAPTURE(name);
    CHECK_THAT(listed, Contains(name + "\n"));
    CHECK_THAT(grpcurl({"describe", name}), Contains("rpc "));
  }
  CHECK(grpcurl({"alma.agents.v1.AgentsService/ListAgents"}) == "{\n  \n}\n");
}

TEST_CASE("grpcurl describes the payloads of events with the keys of the seed") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Deployed server(storage, deployment);
  for (const auto& [payload, keys] : SeedKeys()) {
    const Finished described =
        Grpcurl(server.address(), {"describe", "alma.analytics.v1." + payload});
    for (const std::string& key : keys) {
      CHECK_THAT(described.out, Contains(absl::StrCat("[json_name = \"", key, "\"]")));
    }
  }
}

TEST_CASE("grpcurl asks the health of the server and of each service without a key") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const Deployed server(storage, deployment);
  const auto check = [&](const std::string& service) {
    return GrpcurlCall(server.address(), "grpc.health.v1.Health/Check",
                       absl::StrCat(R"({"service": ")", service, "\"}"), {})
        .fields()
        .at("status")
        .string_value();
  };
  REQUIRE(HealthBecomes(server.channel(), "SERVING", absl::Seconds(5)));
  CHECK(check("") == "SERVING");
  for (const std::string& name : ServiceNames()) {
    CAPTURE(name);
    CHECK(check(name) == "SERVING");
  }
}

TEST_CASE("grpcurl stores a conversation and messages and reads them back") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  const std::string header = GENERATE("authorization: Bearer ", "x-api-key: ");
  CAPTURE(deployment, header);
  const AlmaStorage storage(EngineOf(deployment));
  const std::vector<std::string> key = {"-H", header + Bootstrap(storage).secret};
  const Deployed server(storage, deployment);
  const auto call = [&](const std::string& method, const std::string& request) {
    return GrpcurlCall(server.address(), "alma.conversations.v1." + method, request, key);
  };

  const auto conversation = call(
      "ConversationsService/CreateConversation",
      R"({"conversation": {"externalParticipants": ["+5511999990000"], "origin": "CRM", "metaData": {"a": [1]}}})");
  const std::string uuid = conversation.fields().at("uuid").string_value();
  for (const char* content : {"Há vagas?", "Há."}) {
    const auto message = call(
        "MessagesService/CreateMessage",
        absl::StrCat(
            R"({"message": {"conversation_uuid": ")", uuid,
            R"(", "sender_uuid": "01920000-0000-7000-8000-000000000002", "type": "TEXT", "channel": "EMAIL", )"
            R"("origin": "CRM", "content": ")",
            content, "\"}}"));
    CHECK(message.fields().at("content").string_value() == content);
  }
  const auto listed =
      call("MessagesService/ListMessages", absl::StrCat(R"({"conversation_uuid": ")", uuid, "\"}"));
  const auto& messages = listed.fields().at("messages").list_value().values();
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].struct_value().fields().at("content").string_value() == "Há vagas?");
  CHECK(messages[1].struct_value().fields().at("index").string_value() == "1");
}

TEST_CASE("a request id comes back in the headers of an answer and in the trailers of an error") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = "authorization: Bearer " + Bootstrap(storage).secret;
  const Deployed server(storage, deployment);
  const std::string method = "alma.conversations.v1.ConversationsService/ListConversations";
  // What stands between the two titles that grpcurl -v prints, and behind the second.
  const auto call = [&](const std::string& id, const std::vector<std::string>& more) {
    std::vector<std::string> flags = {"-v", "-H", "x-request-id: " + id};
    flags.insert(flags.end(), more.begin(), more.end());
    const std::string out = Grpcurl(server.address(), {method}, flags).out;
    INFO(out);
    const std::vector<std::string> parts = absl::StrSplit(out, "Response trailers received:");
    REQUIRE(parts.size() == 2);
    const std::vector<std::string> first = absl::StrSplit(parts[0], "Response headers received:");
    REQUIRE(first.size() == 2);
    return std::pair(first[1], parts[1]);
  };

  const auto [headers, trailers] = call("lead-4711", {"-H", key});
  CHECK_THAT(headers, Contains("x-request-id: lead-4711\n"));
  CHECK_THAT(trailers, !Contains("x-request-id"));
  const auto [headers_of_error, trailers_of_error] = call("lead-4712", {});
  CHECK_THAT(headers_of_error, !Contains("x-request-id"));
  CHECK_THAT(trailers_of_error, Contains("x-request-id: lead-4712\n"));

  for (const std::string& invalid : {std::string("two words"), std::string(129, 'a')}) {
    const auto [replaced, unused] = call(invalid, {"-H", key});
    CHECK_THAT(replaced, !Contains(invalid));
    CHECK_THAT(replaced, Catch::Matchers::Matches("[^]*x-request-id: [0-9a-f-]{36}\n[^]*"));
  }
  CHECK_THAT(call(std::string(128, 'a'), {"-H", key}).first, Contains(std::string(128, 'a')));
}

}  // namespace
}  // namespace alma::testing
