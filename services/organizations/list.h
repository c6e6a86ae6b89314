#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/list_page.h"
#include "common/db/session.h"
#include "common/status/macros.h"
#include "common/text/timestamp.h"
#include "common/wire/append.h"

namespace alma::organizations {

// Reads the page behind `after` of a list by created_at, uuid. `select` is the statement up to its
// where clause, which is not empty; the rows are `rows_field` of the response.
template <typename Response, typename Resource>
absl::StatusOr<db::ListPage<Response>> ReadByCreation(
    db::Session& session, const std::string& select, const std::vector<db::Param>& params,
    int32_t page_size, const db::Position& after, Resource (*read_row)(db::Row&), int rows_field) {
  const auto query = [&](const db::Position& at, int64_t limit, auto& on_row) {
    std::string sql = select;
    std::vector<db::Param> bound = params;
    if (!at.empty()) {
      sql += " and (created_at, uuid) > (:created_at, :uuid)";
      bound.emplace_back("created_at", at[0]);
      bound.emplace_back("uuid", at[1]);
    }
    bound.emplace_back("limit", limit);
    return session.Query(sql + " order by created_at, uuid limit :limit", bound, on_row);
  };
  const auto read = [&](db::Row& row, Resource* resource) { *resource = read_row(row); };
  const auto position = [](const Resource& resource) {
    return db::Position{text::FormatTimestamp(resource.created_at()), resource.uuid()};
  };
  db::ListPage<Response> page;
  const auto add = [&](const Resource& resource, size_t bytes) {
    wire::AppendMessage(rows_field, resource, bytes, &page.response.bytes);
  };
  ASSIGN_OR_RETURN(page.next, db::ReadRows<Resource>(page_size, after, query, read, position, add));
  return page;
}

}  // namespace alma::organizations
