#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/page.h"
#include "common/db/page_token.h"
#include "common/db/session.h"
#include "common/status/macros.h"
#include "common/wire/append.h"
#include "common/wire/encoded.h"

namespace alma::db {

// Where a list goes on: the keys of the last row seen, in the order of the list. Empty before the
// first row, and behind the last.
using Position = std::vector<std::string>;

// A page of a list as a store reads it: the response without its token, and where the next page
// begins.
template <typename Response>
struct ListPage {
  wire::Encoded<Response> response;
  Position next;
};

// Reads rows behind `after` as far as they fit into a page, one at least, and answers where the
// next page begins. `query(at, limit, on_row)` asks for the first `limit` rows behind `at`, as
// Session::Query does; `read(row, resource)` fills the empty `*resource` with a row;
// `position(resource)` is where the list goes on behind it. `add(resource, bytes)` takes the next
// row of the page, whose ByteSizeLong() has just been asked for and is `bytes`.
template <typename Resource, typename Query, typename Read, typename PositionOf, typename Add>
absl::StatusOr<Position> ReadRows(int32_t page_size, const Position& after, Query query, Read read,
                                  PositionOf position, Add add, size_t max_bytes = kMaxPageBytes) {
  PageCut cut(page_size, max_bytes);
  // Taken in turn, so that what they have allocated serves all rows.
  Resource one;
  Resource another;
  Resource* reading = &one;
  Resource* last = &another;
  const auto on_row = [&](Row& row) {
    reading->Clear();
    read(row, reading);
    const size_t bytes = reading->ByteSizeLong();
    if (!cut.Fits(bytes)) return;
    add(std::as_const(*reading), bytes);
    std::swap(reading, last);
  };
  const auto end = [&] { return cut.empty() ? after : position(std::as_const(*last)); };
  RETURN_IF_ERROR(ReadPage(cut, [&](int64_t limit) { return query(end(), limit, on_row); }));
  return cut.more() ? end() : Position();
}

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
    using Response = typename decltype(page.response)::Message;
    wire::AppendBytes(Response::kNextPageTokenFieldNumber,
                      tokens.Encode(request, organization_uuid, page.next), &page.response.bytes);
  }
  return std::move(page.response);
}

}  // namespace alma::db
