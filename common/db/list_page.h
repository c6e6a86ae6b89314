#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/page_token.h"
#include "common/status/macros.h"

namespace alma::db {

// Where a list goes on: the keys of the last row seen, in the order of the list. Empty before the
// first row, and behind the last.
using Position = std::vector<std::string>;

// A page of a list as a store reads it: the response without its token, and where the next page
// begins.
template <typename Response>
struct ListPage {
  Response response;
  Position next;
};

// Answers a list: `read` is given the Position that the request's page_token stands for and returns
// an absl::StatusOr<ListPage>, whose `next` becomes next_page_token. `request` is validated.
// status::PageTokenInvalid() as PageTokens::Decode says; else what `read` answers.
template <typename Request, typename Read>
auto AnswerList(const PageTokens& tokens, const Request& request,
                std::string_view organization_uuid, Read read)
    -> absl::StatusOr<decltype(read(Position())->response)> {
  Position after;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(after, tokens.Decode(request, organization_uuid, request.page_token()));
  }
  ASSIGN_OR_RETURN(auto page, read(after));
  if (!page.next.empty()) {
    page.response.set_next_page_token(tokens.Encode(request, organization_uuid, page.next));
  }
  return std::move(page.response);
}

}  // namespace alma::db
