#include "common/db/list_page.h"

#include "alma/agents/v1/agents.pb.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/support/list.h"

namespace alma::db {
namespace {

using agents::v1::ListAgentsRequest;
using agents::v1::ListAgentsResponse;
using Encoded = wire::Encoded<ListAgentsResponse>;
using Page = ListPage<ListAgentsResponse>;

const PageTokens kTokens(auth::Secrets{{std::string(32, 's')}});
constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";

absl::StatusOr<Encoded> Answer(const ListAgentsRequest& request, Position next, Position* after,
                               std::string_view organization = kOrganization) {
  return AnswerList(kTokens, request, organization,
                    [&](const Position& position) -> absl::StatusOr<Page> {
                      *after = position;
                      ListAgentsResponse response;
                      response.add_agents()->set_name("stored");
                      return Page{{response.SerializeAsString()}, next};
                    });
}

std::string TokenOf(const absl::StatusOr<Encoded>& answered) {
  REQUIRE(answered.ok());
  return testing::Decoded(*answered).next_page_token();
}

TEST_CASE("the first page begins before the first row") {
  Position after = {"not asked"};
  const auto answered = Answer({}, {"k"}, &after);
  REQUIRE(answered.ok());
  CHECK(after.empty());
  const ListAgentsResponse response = testing::Decoded(*answered);
  REQUIRE(response.agents_size() == 1);
  CHECK(response.agents(0).name() == "stored");
  CHECK_FALSE(response.next_page_token().empty());
}

TEST_CASE("a token goes on where its page ended") {
  Position after;
  ListAgentsRequest request;
  request.set_page_token(TokenOf(Answer(request, {"2024-01-01", "k"}, &after)));
  request.set_page_size(7);
  CHECK(TokenOf(Answer(request, {}, &after)).empty());
  CHECK(after == Position{"2024-01-01", "k"});
}

TEST_CASE("a token that is not of this list is refused before anything is read") {
  Position after;
  ListAgentsRequest request;
  const std::string token = TokenOf(Answer(request, {"k"}, &after));
  after = {"not asked"};
  request.set_page_token("A" + token);
  CHECK(Answer(request, {}, &after).status() == status::PageTokenInvalid());
  request.set_page_token(token);
  CHECK(Answer(request, {}, &after, "another").status() == status::PageTokenInvalid());
  request.set_origin("another filter");
  CHECK(Answer(request, {}, &after).status() == status::PageTokenInvalid());
  CHECK(after == Position{"not asked"});
}

TEST_CASE("a page that cannot be read is answered with why") {
  const auto fails = [](const Position&) -> absl::StatusOr<Page> {
    return status::DatabaseUnavailable();
  };
  CHECK(AnswerList(kTokens, ListAgentsRequest(), kOrganization, fails).status() ==
        status::DatabaseUnavailable());
}

}  // namespace
}  // namespace alma::db
