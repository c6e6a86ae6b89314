#include "common/db/page_token.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "alma/conversations/v1/conversations.pb.h"
#include "alma/conversations/v1/messages.pb.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"

namespace alma::db {
namespace {

using conversations::v1::ListConversationsRequest;
using conversations::v1::ListMessagesRequest;
using Keys = std::vector<std::string>;

const auth::Secrets kSecrets{{std::string(32, 's')}};
const std::string kOrganization = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
const Keys kKeys = {"2024-02-29 12:34:56.000000+00", "0190f3a2-7c1e-7b4d-8f00-0123456789ac"};

ListConversationsRequest Request() {
  ListConversationsRequest request;
  request.set_origin("crm");
  request.set_page_size(10);
  return request;
}

void CheckRefused(const absl::StatusOr<Keys>& result) {
  CHECK(result.status() == status::PageTokenInvalid());
}

TEST_CASE("a token gives back any keys") {
  const PageTokens tokens(kSecrets);
  for (const Keys& keys :
       {kKeys, Keys{}, Keys{""}, Keys{"", ""}, Keys{std::string("\0\xFF\x80", 3)},
        Keys{std::string(100'000, 'k'), "x"}}) {
    const std::string token = tokens.Encode(Request(), kOrganization, keys);
    CHECK_FALSE(token.empty());
    CHECK(token.find_first_of("+/=") == std::string::npos);
    const absl::StatusOr<Keys> read = tokens.Decode(Request(), kOrganization, token);
    REQUIRE(read.ok());
    CHECK(*read == keys);
  }
}

TEST_CASE("page size and page token may change between pages") {
  const PageTokens tokens(kSecrets);
  const std::string token = tokens.Encode(Request(), kOrganization, kKeys);
  ListConversationsRequest next = Request();
  next.set_page_size(500);
  next.set_page_token(token);
  CHECK(tokens.Decode(next, kOrganization, token).value() == kKeys);
  CHECK(tokens.Encode(next, kOrganization, kKeys) == token);
}

TEST_CASE("another request or organization or secret refuses the token") {
  const PageTokens tokens(kSecrets);
  const std::string token = tokens.Encode(Request(), kOrganization, kKeys);
  ListConversationsRequest other_origin = Request();
  other_origin.set_origin("crn");
  ListConversationsRequest other_filter;
  other_filter.set_external_participant("crm");
  ListConversationsRequest tombstones = Request();
  tombstones.set_show_deleted(true);
  for (const auto& request : {other_origin, other_filter, tombstones, ListConversationsRequest()}) {
    CheckRefused(tokens.Decode(request, kOrganization, token));
  }
  CheckRefused(tokens.Decode(Request(), "0190f3a2-7c1e-7b4d-8f00-0123456789ac", token));
  CheckRefused(tokens.Decode(Request(), "", token));
  CheckRefused(PageTokens({{std::string(32, 'x')}}).Decode(Request(), kOrganization, token));
}

TEST_CASE("a token of one method is refused by another with equal fields") {
  const PageTokens tokens(kSecrets);
  const std::string token = tokens.Encode(ListConversationsRequest(), kOrganization, kKeys);
  CHECK(tokens.Decode(ListConversationsRequest(), kOrganization, token).ok());
  CheckRefused(tokens.Decode(ListMessagesRequest(), kOrganization, token));
}

TEST_CASE("any changed character refuses the token") {
  const PageTokens tokens(kSecrets);
  // One to three characters more, so that the last one has spare bits, or none.
  for (const std::string key : {"a", "ab", "abc"}) {
    const std::string token = tokens.Encode(Request(), kOrganization, {key});
    for (std::size_t at = 0; at < token.size(); ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string changed = token;
        changed[at] = static_cast<char>(c);
        if (changed == token) continue;
        REQUIRE(tokens.Decode(Request(), kOrganization, changed).status() ==
                status::PageTokenInvalid());
      }
    }
  }
}

TEST_CASE("what was never a token is refused") {
  const PageTokens tokens(kSecrets);
  const std::string token = tokens.Encode(Request(), kOrganization, kKeys);
  for (const std::string& text :
       {std::string(), std::string("A"), std::string(" "), std::string("no token!"),
        std::string(22, 'A'), std::string(10'000, 'A'), token + "=", token + "A", token + "\n",
        " " + token, token + token, std::string("\0", 1)}) {
    CheckRefused(tokens.Decode(Request(), kOrganization, text));
  }
  for (std::size_t size = 0; size < token.size(); ++size) {
    CheckRefused(tokens.Decode(Request(), kOrganization, token.substr(0, size)));
  }
}

TEST_CASE("tokens outlive a rotation of secrets") {
  const auth::Secrets both{{std::string(32, 'f'), kSecrets.secrets[0]}};
  const std::string old_token = PageTokens(kSecrets).Encode(Request(), kOrganization, kKeys);
  CHECK(PageTokens(both).Decode(Request(), kOrganization, old_token).value() == kKeys);
  const std::string new_token = PageTokens(both).Encode(Request(), kOrganization, kKeys);
  CHECK(PageTokens({{std::string(32, 'f')}}).Decode(Request(), kOrganization, new_token).ok());
  CheckRefused(PageTokens(kSecrets).Decode(Request(), kOrganization, new_token));
}

TEST_CASE("nothing of the request stands in the token") {
  ListConversationsRequest request;
  request.set_origin("very-private-origin");
  std::string bytes;
  REQUIRE(absl::WebSafeBase64Unescape(PageTokens(kSecrets).Encode(request, kOrganization, {"k"}),
                                      &bytes));
  CHECK(bytes.size() == 2 + 16);
}

}  // namespace
}  // namespace alma::db
