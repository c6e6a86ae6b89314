#include "services/agents/lookup.h"

#include "catch2/catch.hpp"

namespace alma::agents {
namespace {

TEST_CASE("an email address is looked up in lower case of the letters A to Z") {
  CHECK(EmailLookup("").empty());
  CHECK(EmailLookup("Ana.Silva+CRM@Example.COM") == "ana.silva+crm@example.com");
  CHECK(EmailLookup("JOSÉ@X.example") == "josÉ@x.example");
  CHECK(EmailLookup(" a b ") == " a b ");
}

TEST_CASE("a phone number is looked up by its digits and a plus before the first of them") {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"+55 (11) 98765-4321", "+5511987654321"},
      {"(+55) 11 98765.4321", "+5511987654321"},
      {"tel:+5511987654321", "+5511987654321"},
      {"005511987654321", "005511987654321"},
      {"11 98765-4321", "11987654321"},
      {"55+11", "5511"},
      {"++1", "+1"},
      {"no digit +", ""},
      {"٥٥ 11", "11"},
  };
  for (const auto& [given, lookup] : rows) {
    INFO(given);
    CHECK(PhoneNumberLookup(given) == lookup);
    CHECK(PhoneNumberLookup(lookup) == lookup);
  }
}

}  // namespace
}  // namespace alma::agents
