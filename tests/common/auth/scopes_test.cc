#include "common/auth/scopes.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include "alma/conversations/v1/messages.pb.h"
#include "catch2/catch.hpp"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/empty.pb.h"

namespace alma::auth {
namespace {

v1::Principal With(std::initializer_list<std::string_view> scopes) {
  v1::Principal principal;
  for (const std::string_view scope : scopes) principal.add_scopes(std::string(scope));
  return principal;
}

TEST_CASE("the scopes that a key can hold are the nine of the design") {
  CHECK(kAllScopes.size() == 9);
  for (const std::string_view scope : kAllScopes) CHECK(IsKnownScope(scope));
  for (const std::string_view scope : {"", "internal", "agents", "agents.read ", "AGENTS.READ"}) {
    CHECK_FALSE(IsKnownScope(scope));
  }
}

TEST_CASE("the scope of a method comes from its option") {
  const auto* service =
      conversations::v1::ListMessagesRequest::descriptor()->file()->FindServiceByName(
          "MessagesService");
  REQUIRE(service != nullptr);
  REQUIRE(service->FindMethodByName("ListMessages") != nullptr);
  CHECK(ScopeOf(*service->FindMethodByName("ListMessages")) == "conversations.read");
  CHECK(ScopeOf(*service->FindMethodByName("CreateMessage")) == "conversations.write");
}

TEST_CASE("a method without the option has no scope and nobody may call it") {
  google::protobuf::FileDescriptorProto file;
  file.set_name("bare.proto");
  file.add_dependency("google/protobuf/empty.proto");
  auto* service = file.add_service();
  service->set_name("Bare");
  auto* method = service->add_method();
  method->set_name("Call");
  method->set_input_type(".google.protobuf.Empty");
  method->set_output_type(".google.protobuf.Empty");
  google::protobuf::FileDescriptorProto empty;
  google::protobuf::Empty::descriptor()->file()->CopyTo(&empty);
  google::protobuf::DescriptorPool pool;
  REQUIRE(pool.BuildFile(empty) != nullptr);
  const auto* built = pool.BuildFile(file);
  REQUIRE(built != nullptr);
  const std::string_view scope = ScopeOf(*built->service(0)->method(0));
  CHECK(scope.empty());
  CHECK_FALSE(HasScope(With({"", kPlatformAdmin, kInternal}), scope));
}

TEST_CASE("a principal has the scopes that it carries and no other") {
  for (const std::string_view held : kAllScopes) {
    for (const std::string_view wanted : kAllScopes) {
      const bool stands_for =
          held == kPlatformAdmin && (wanted == kOrganizationRead || wanted == kOrganizationAdmin);
      INFO(held << " " << wanted);
      CHECK(HasScope(With({held}), wanted) == (held == wanted || stands_for));
    }
    CHECK_FALSE(HasScope(With({held}), kInternal));
    CHECK_FALSE(HasScope(With({}), held));
  }
  CHECK(HasScope(With({kAgentsRead, kAgentsWrite}), kAgentsWrite));
}

}  // namespace
}  // namespace alma::auth
