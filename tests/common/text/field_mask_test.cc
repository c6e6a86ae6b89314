#include "common/text/field_mask.h"

#include <string>
#include <vector>

#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "catch2/catch.hpp"

namespace alma::text {
namespace {

using google::protobuf::FieldMask;
using organizations::v1::ApiKey;
using organizations::v1::Organization;
using Paths = std::vector<std::string>;

constexpr std::string_view kMutable[] = {"api_key_name", "scopes", "expires_at"};

FieldMask Mask(const Paths& paths) {
  FieldMask mask;
  for (const std::string& path : paths) mask.add_paths(path);
  return mask;
}

ApiKey Populated() {
  ApiKey api_key;
  api_key.set_uuid("u");
  api_key.set_api_key_name("name");
  api_key.add_scopes("agents.read");
  api_key.mutable_expires_at();
  api_key.set_revision(7);
  return api_key;
}

// The resolved paths, or the error's text.
Paths Resolved(const ApiKey& api_key, FieldMask mask) {
  Violations violations;
  ResolveUpdateMask(violations, api_key, kMutable, &mask);
  if (!violations.empty()) return {std::string(violations.ToStatus().message())};
  return Paths(mask.paths().begin(), mask.paths().end());
}

TEST_CASE("without a mask the populated mutable fields are written") {
  CHECK(Resolved(ApiKey(), FieldMask()).empty());
  CHECK(Resolved(Populated(), FieldMask()) == Paths{"api_key_name", "scopes", "expires_at"});
  ApiKey api_key = Populated();
  api_key.clear_scopes();
  CHECK(Resolved(api_key, FieldMask()) == Paths{"api_key_name", "expires_at"});
}

TEST_CASE("a star writes every mutable field") {
  CHECK(Resolved(ApiKey(), Mask({"*"})) == Paths{"api_key_name", "scopes", "expires_at"});
}

TEST_CASE("named fields are written whether populated or not") {
  CHECK(Resolved(ApiKey(), Mask({"scopes"})) == Paths{"scopes"});
  CHECK(Resolved(Populated(), Mask({"expires_at", "api_key_name", "expires_at"})) ==
        Paths{"api_key_name", "expires_at"});
}

TEST_CASE("any other path is a violation of the mask") {
  const Paths refused = {
      "update_mask: must be * alone or name only api_key_name, scopes, expires_at"};
  for (const std::string& path :
       Paths{"uuid", "revision", "unknown", "", "apiKeyName", "expires_at.seconds", "scopes[0]",
             "api_key.scopes", " scopes", "\xff", std::string("scopes\0", 7)}) {
    CAPTURE(path);
    CHECK(Resolved(Populated(), Mask({path})) == refused);
    CHECK(Resolved(Populated(), Mask({"scopes", path})) == refused);
  }
  CHECK(Resolved(Populated(), Mask({"*", "scopes"})) == refused);
  CHECK(Resolved(Populated(), Mask({"*", "*"})) == refused);
}

TEST_CASE("masked fields are replaced and the others kept") {
  ApiKey stored = Populated();
  ApiKey given;
  given.set_uuid("other");
  given.add_scopes("agents.write");
  WriteMasked(Mask({"scopes", "expires_at"}), given, &stored);
  CHECK(stored.uuid() == "u");
  CHECK(stored.api_key_name() == "name");
  REQUIRE(stored.scopes_size() == 1);
  CHECK(stored.scopes(0) == "agents.write");
  CHECK_FALSE(stored.has_expires_at());
}

TEST_CASE("a struct is replaced as a whole") {
  Organization stored;
  (*stored.mutable_meta_data()->mutable_fields())["a"].set_number_value(1);
  Organization given;
  (*given.mutable_meta_data()->mutable_fields())["b"].set_number_value(2);
  WriteMasked(Mask({"meta_data"}), given, &stored);
  CHECK(stored.meta_data().fields().count("a") == 0);
  CHECK(stored.meta_data().fields().count("b") == 1);
  WriteMasked(Mask({"meta_data"}), Organization(), &stored);
  CHECK_FALSE(stored.has_meta_data());
}

TEST_CASE("an empty resolved mask writes nothing") {
  Organization stored;
  stored.set_name("kept");
  WriteMasked(FieldMask(), Organization(), &stored);
  CHECK(stored.name() == "kept");
}

}  // namespace
}  // namespace alma::text
