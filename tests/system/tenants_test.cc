#include <map>
#include <set>

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "alma/agents/v1/agents.grpc.pb.h"
#include "alma/analytics/v1/analyses.grpc.pb.h"
#include "alma/analytics/v1/events.grpc.pb.h"
#include "alma/analytics/v1/follow_ups.grpc.pb.h"
#include "common/id/uuid.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"
#include "tests/system/keys.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;

// What a stranger sends to each method, with the uuids of another's rows in the places of the words
// in capitals.
const std::map<std::string, std::string>& Requests() {
  static const std::map<std::string, std::string> requests = {
      {"GetOrganization", R"({"uuid": "ORGANIZATION"})"},
      {"UpdateOrganization", R"({"organization": {"uuid": "ORGANIZATION", "name": "Minha"}})"},
      {"DeleteOrganization", R"({"uuid": "ORGANIZATION"})"},
      {"CreateApiKey",
       R"({"api_key": {"organization_uuid": "ORGANIZATION", "api_key_name": "a", "scopes": []}})"},
      {"GetApiKey", R"({"uuid": "KEY"})"},
      {"ListApiKeys", R"({"organization_uuid": "ORGANIZATION"})"},
      {"UpdateApiKey", R"({"api_key": {"uuid": "KEY", "api_key_name": "b"}})"},
      {"RevokeApiKey", R"({"uuid": "KEY"})"},
      {"RotateApiKey", R"({"uuid": "KEY"})"},
      {"GetConversation", R"({"uuid": "CONVERSATION"})"},
      {"ListMessages", R"({"conversation_uuid": "CONVERSATION"})"},
      {"CreateMessage",
       R"({"message": {"conversation_uuid": "CONVERSATION", "sender_uuid": "KEY", "content": "a",
                            "type": "TEXT", "channel": "EMAIL", "origin": "CRM"}})"},
      {"GetMessage", R"({"uuid": "MESSAGE"})"},
      {"BatchGetConversations", R"({"uuids": ["CONVERSATION"]})"},
      {"UpdateConversation", R"({"conversation": {"uuid": "CONVERSATION", "agents": ["KEY"]}})"},
      {"DeleteConversation", R"({"uuid": "CONVERSATION"})"},
      {"AddParticipants", R"({"uuid": "CONVERSATION", "agents": ["KEY"]})"},
      {"RemoveParticipants", R"({"uuid": "CONVERSATION", "agents": ["KEY"]})"},
      {"BatchCreateMessages",
       R"({"messages": [{"conversation_uuid": "CONVERSATION", "sender_uuid": "KEY", "content": "a",
                         "type": "TEXT", "channel": "EMAIL", "origin": "CRM"}]})"},
      {"UpdateMessage", R"({"message": {"uuid": "MESSAGE", "content": "b"}})"},
      {"DeleteMessage", R"({"uuid": "MESSAGE"})"},
      {"GetAgent", R"({"uuid": "AGENT"})"},
      {"BatchGetAgents", R"({"uuids": ["AGENT"]})"},
      {"UpdateAgent", R"({"agent": {"uuid": "AGENT", "name": "b"}})"},
      {"DeleteAgent", R"({"uuid": "AGENT"})"},
      {"GetAnalysis", R"({"uuid": "ANALYSIS"})"},
      {"UpdateAnalysis",
       R"({"analysis": {"uuid": "ANALYSIS", "sentiment_analysis": {"score": 1}}})"},
      {"DeleteAnalysis", R"({"uuid": "ANALYSIS"})"},
      {"GetEvent", R"({"uuid": "EVENT"})"},
      {"UpdateEvent", R"({"event": {"uuid": "EVENT", "scheduled_to": "2026-03-01T10:00:00Z"}})"},
      {"DeleteEvent", R"({"uuid": "EVENT"})"},
      {"GetFollowUp", R"({"event_uuid": "EVENT"})"},
      {"UpdateFollowUp", R"({"follow_up": {"event_uuid": "EVENT", "score": 1}})"},
      {"DeleteFollowUp", R"({"event_uuid": "EVENT"})"},
  };
  return requests;
}

// Methods that take no uuid of a row, or may not be called with any key of a tenant. Of the
// streams, an import answers as CreateMessage does, and an export of another's conversation has
// nothing, as that of an absent one.
bool NeedsNoRow(const std::string& method) {
  static const std::set<std::string> methods = {
      "CreateOrganization", "ListOrganizations",    "VerifyApiKey",      "CreateConversation",
      "ListConversations",  "ImportMessages",       "ExportMessages",    "CreateAgent",
      "BatchCreateAgents",  "ListAgents",           "CreateAnalysis",    "BatchCreateAnalyses",
      "ListAnalyses",       "CreateEvent",          "BatchCreateEvents", "ListEvents",
      "CreateFollowUp",     "BatchCreateFollowUps", "ListFollowUps"};
  return methods.contains(method);
}

std::vector<const MethodDescriptor*> Methods() {
  std::vector<const MethodDescriptor*> methods;
  for (const char* service :
       {"alma.organizations.v1.OrganizationsService", "alma.organizations.v1.ApiKeysService",
        "alma.agents.v1.AgentsService", "alma.conversations.v1.ConversationsService",
        "alma.conversations.v1.MessagesService", "alma.analytics.v1.AnalyticsService",
        "alma.analytics.v1.EventsService", "alma.analytics.v1.FollowUpsService"}) {
    const auto* descriptor = DescriptorPool::generated_pool()->FindServiceByName(service);
    REQUIRE(descriptor != nullptr);
    for (int i = 0; i < descriptor->method_count(); ++i) methods.push_back(descriptor->method(i));
  }
  return methods;
}

std::string Serialize(const Descriptor& type, const std::string& json) {
  google::protobuf::DynamicMessageFactory factory;
  const std::unique_ptr<google::protobuf::Message> message(factory.GetPrototype(&type)->New());
  INFO(json);
  REQUIRE(google::protobuf::util::JsonStringToMessage(json, message.get()).ok());
  return message->SerializeAsString();
}

// Two organizations with a key each; the first has a conversation with a message, an agent, an
// analysis, and an event with its follow-up.
struct TwoTenants {
  explicit TwoTenants(Deployment deployment)
      : storage(EngineOf(deployment)), first(Bootstrap(storage)), server(storage, deployment) {
    message = Create(owner, NewMessage(conversation)).response;
    agents::v1::CreateAgentRequest request;
    request.mutable_agent()->set_origin("CRM");
    request.mutable_agent()->set_internal(true);
    agent = owner.Call(&agents::v1::AgentsService::Stub::CreateAgent, request).response;
    CreateAnalytics();
  }

  void CreateAnalytics() {
    analytics::v1::CreateAnalysisRequest analysis_request;
    analysis_request.mutable_analysis()->set_conversation_uuid(conversation);
    analysis_request.mutable_analysis()->set_origin("CRM");
    analysis_request.mutable_analysis()->mutable_topics_detected();
    analysis = owner.Call(&analytics::v1::AnalyticsService::Stub::CreateAnalysis, analysis_request)
                   .response.uuid();
    analytics::v1::CreateEventRequest event_request;
    event_request.mutable_event()->set_conversation_uuid(conversation);
    event_request.mutable_event()->set_agent_uuid(agent.uuid());
    event_request.mutable_event()->mutable_sale_made();
    event =
        owner.Call(&analytics::v1::EventsService::Stub::CreateEvent, event_request).response.uuid();
    analytics::v1::CreateFollowUpRequest follow_up_request;
    follow_up_request.mutable_follow_up()->set_event_uuid(event);
    follow_up_request.mutable_follow_up()->set_conversation_uuid(conversation);
    follow_up_request.mutable_follow_up()->set_agent_uuid(agent.uuid());
    follow_up_request.mutable_follow_up()->set_score(0);
    follow_up_request.mutable_follow_up()->mutable_follow_up_date();
    REQUIRE(owner.Call(&analytics::v1::FollowUpsService::Stub::CreateFollowUp, follow_up_request)
                .status.ok());
  }

  const AlmaStorage storage;
  const Bootstrapped first;
  const Deployed server;
  const Client owner{server.channel(), first.secret};
  const organizations::v1::ApiKey key = CreateKey(owner, first.organization_uuid).api_key();
  const Client stranger{server.channel(),
                        CreateKey(owner, CreateOrganization(owner, "Outra").uuid()).secret()};
  const std::string conversation = CreateConversations(owner, 1)[0];
  v1::Message message;
  agents::v1::Agent agent;
  std::string analysis;
  std::string event;
};

TEST_CASE("an organization learns no more from the uuids of another than from absent ones") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const TwoTenants alma(deployment);
  const auto fill = [](const std::string& request, const std::vector<std::string>& uuids) {
    return absl::StrReplaceAll(request, {{"ORGANIZATION", uuids[0]},
                                         {"KEY", uuids[1]},
                                         {"CONVERSATION", uuids[2]},
                                         {"MESSAGE", uuids[3]},
                                         {"AGENT", uuids[4]},
                                         {"ANALYSIS", uuids[5]},
                                         {"EVENT", uuids[6]}});
  };
  size_t compared = 0;
  for (const MethodDescriptor* method : Methods()) {
    CAPTURE(method->full_name());
    const std::string path = absl::StrCat(method->service()->full_name(), "/", method->name());
    if (alma.owner.CallBytes(path, "\xff").status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      continue;
    }
    if (NeedsNoRow(method->name())) continue;
    const auto request = Requests().find(method->name());
    REQUIRE(request != Requests().end());
    const auto call = [&](const std::vector<std::string>& uuids) {
      return alma.stranger.CallBytes(
          path, Serialize(*method->input_type(), fill(request->second, uuids)));
    };
    const auto of_another =
        call({alma.first.organization_uuid, alma.key.uuid(), alma.conversation, alma.message.uuid(),
              alma.agent.uuid(), alma.analysis, alma.event});
    std::vector<std::string> unused(7);
    for (std::string& uuid : unused) uuid = id::NewUuid();
    const auto absent = call(unused);
    CHECK(of_another.status.error_code() == grpc::StatusCode::NOT_FOUND);
    CHECK(AllOf(of_another.status) == AllOf(absent.status));
    CHECK(of_another.response == absent.response);
    ++compared;
  }
  CHECK(compared == Requests().size());
}

TEST_CASE("an organization lists its own rows only and cannot go on from the page of another") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const TwoTenants alma(deployment);
  CreateConversations(alma.owner, 1);
  v1::ListConversationsRequest request;
  CHECK(alma.stranger.Call(&v1::ConversationsService::Stub::ListConversations, request)
            .response.conversations()
            .empty());
  request.set_page_size(1);
  const auto page = alma.owner.Call(&v1::ConversationsService::Stub::ListConversations, request);
  REQUIRE_FALSE(page.response.next_page_token().empty());
  request.set_page_token(page.response.next_page_token());
  CHECK(alma.owner.Call(&v1::ConversationsService::Stub::ListConversations, request).status.ok());
  const auto stolen =
      alma.stranger.Call(&v1::ConversationsService::Stub::ListConversations, request);
  CHECK(ReasonOf(stolen.status) == "PAGE_TOKEN_INVALID");
}

TEST_CASE("an organization may give its rows the uuids of another") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const TwoTenants alma(deployment);
  v1::CreateConversationRequest request;
  request.mutable_conversation()->set_uuid(alma.conversation);
  request.mutable_conversation()->set_origin("mine");
  const auto mine =
      alma.stranger.Call(&v1::ConversationsService::Stub::CreateConversation, request);
  REQUIRE(mine.status.ok());
  v1::CreateMessageRequest message = NewMessage(alma.conversation);
  message.mutable_message()->set_uuid(alma.message.uuid());
  message.mutable_message()->set_content("mine");
  const auto answered = Create(alma.stranger, message);
  REQUIRE(answered.status.ok());
  CHECK(answered.response.revision() == 2);
  CHECK(ListAll(alma.stranger, alma.conversation).size() == 1);
  CheckStored(alma.owner, {alma.conversation}, {alma.message});
}

}  // namespace
}  // namespace alma::testing
