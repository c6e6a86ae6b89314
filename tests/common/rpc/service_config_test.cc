#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "catch2/catch.hpp"
#include "common/auth/scopes.h"
#include "common/text/json.h"
#include "google/protobuf/descriptor.h"

// What clients and the gateway take from the linked descriptors and from the published service
// configs.
namespace alma::rpc {
namespace {

using google::protobuf::MethodDescriptor;
using Names = std::set<std::pair<std::string, std::string>>;

const std::vector<std::string> kServices = {"alma.organizations.v1.OrganizationsService",
                                            "alma.organizations.v1.ApiKeysService",
                                            "alma.agents.v1.AgentsService",
                                            "alma.conversations.v1.ConversationsService",
                                            "alma.conversations.v1.MessagesService",
                                            "alma.analytics.v1.AnalyticsService",
                                            "alma.analytics.v1.EventsService",
                                            "alma.analytics.v1.FollowUpsService"};

std::vector<const MethodDescriptor*> AllMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const std::string& name : kServices) {
    const auto* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    CAPTURE(name);
    REQUIRE(service != nullptr);
    for (int i = 0; i < service->method_count(); ++i) methods.push_back(service->method(i));
  }
  return methods;
}

google::protobuf::Struct Config(const std::string& file) {
  std::ifstream stream(std::string(ALMA_SOURCE_DIR "/proto/") + file);
  const std::string json{std::istreambuf_iterator<char>(stream), {}};
  const auto config = text::StructFromJson(json);
  CAPTURE(file, json.size());
  REQUIRE(config.ok());
  return *config;
}

Names Named(const google::protobuf::Struct& config) {
  Names names;
  for (const auto& method_config : config.fields().at("methodConfig").list_value().values()) {
    const auto& fields = method_config.struct_value().fields();
    CHECK(fields.at("retryPolicy")
              .struct_value()
              .fields()
              .at("retryableStatusCodes")
              .list_value()
              .values(0)
              .string_value() == "UNAVAILABLE");
    for (const auto& name : fields.at("name").list_value().values()) {
      const auto& parts = name.struct_value().fields();
      const bool is_new =
          names.emplace(parts.at("service").string_value(), parts.at("method").string_value())
              .second;
      CHECK(is_new);
    }
  }
  return names;
}

// The names of the unary methods for API keys that begin with one of `verbs`.
Names Unary(const std::vector<std::string>& verbs) {
  Names names;
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->client_streaming() || method->server_streaming() ||
        auth::ScopeOf(*method) == auth::kInternal) {
      continue;
    }
    for (const std::string& verb : verbs) {
      if (absl::StartsWith(method->name(), verb)) {
        names.emplace(method->service()->full_name(), method->name());
      }
    }
  }
  return names;
}

TEST_CASE("the first service config retries what reads and updates and deletes") {
  CHECK(Named(Config("service_config.json")) ==
        Unary({"Get", "BatchGet", "List", "Update", "Delete"}));
}

TEST_CASE("the second service config retries creates too") {
  CHECK(Named(Config("service_config_idempotent_creates.json")) ==
        Unary({"Get", "BatchGet", "List", "Update", "Delete", "Create", "BatchCreate"}));
}

TEST_CASE("every method needs a scope that a key can hold or the internal one") {
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string_view scope = auth::ScopeOf(*method);
    CAPTURE(method->full_name(), scope);
    CHECK((auth::IsKnownScope(scope) || scope == auth::kInternal));
  }
}

TEST_CASE("methods that read need a read scope and all others do not") {
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string_view scope = auth::ScopeOf(*method);
    if (scope == auth::kInternal) continue;
    CAPTURE(method->full_name(), scope);
    bool reads = false;
    for (const char* verb : {"Get", "BatchGet", "List", "Export"}) {
      reads |= absl::StartsWith(method->name(), verb);
    }
    CHECK(scope.ends_with(".read") == reads);
  }
}

TEST_CASE("every service of the platform is among those that are tested") {
  const google::protobuf::DescriptorPool& pool =
      *google::protobuf::DescriptorPool::generated_pool();
  std::set<std::string> found;
  for (const std::string& name : kServices) {
    const auto* file = pool.FindServiceByName(name)->file();
    for (int i = 0; i < file->service_count(); ++i) found.insert(file->service(i)->full_name());
  }
  CHECK(found == std::set<std::string>(kServices.begin(), kServices.end()));
}

}  // namespace
}  // namespace alma::rpc
