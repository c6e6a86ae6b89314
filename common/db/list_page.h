#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/page.h"
#include "common/db/page_token.h"
#include "common/db/session.h"
#include "common/status/macros.h"
#include "google/protobuf/repeated_field.h"

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

// Reads the page of a list behind `after`. `query(at, limit, on_row)` asks for the first `limit`
// rows behind `at`, as Session::Query does; `read(row, resource)` fills the new `*resource` with a
// row; `position(resource)` is where the list goes on behind it; `rows` is where the response has
// its rows.
template <typename Response, typename Resource, typename Query, typename Read, typename PositionOf>
absl::StatusOr<ListPage<Response>> ReadList(
    int32_t page_size, const Position& after,
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)(), Query query, Read read,
    PositionOf position) {
  ListPage<Response> page;
  google::protobuf::RepeatedPtrField<Resource>& fitting = *(page.response.*rows)();
  PageCut cut(page_size);
  const auto on_row = [&](Row& row) {
    Resource* const resource = fitting.Add();
    read(row, resource);
    if (!cut.Fits(resource->ByteSizeLong())) fitting.RemoveLast();
  };
  const auto end = [&] { return fitting.empty() ? after : position(*fitting.rbegin()); };
  RETURN_IF_ERROR(ReadPage(cut, [&](int64_t limit) { return query(end(), limit, on_row); }));
  if (cut.more()) page.next = end();
  return page;
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
    page.response.set_next_page_token(tokens.Encode(request, organization_uuid, page.next));
  }
  return std::move(page.response);
}

}  // namespace alma::db
