#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/list_page.h"
#include "common/db/session.h"
#include "common/text/timestamp.h"
#include "google/protobuf/repeated_field.h"

namespace alma::organizations {

// Reads the page behind `after` of a list by created_at, uuid. `select` is the statement up to its
// where clause, which is not empty; `rows` is where the response has its rows.
template <typename Response, typename Resource>
absl::StatusOr<db::ListPage<Response>> ReadByCreation(
    db::Session& session, const std::string& select, const std::vector<db::Param>& params,
    int32_t page_size, const db::Position& after, Resource (*read_row)(db::Row&),
    google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)()) {
  return db::ReadList(
      page_size, after, rows,
      [&](const db::Position& at, int64_t limit, auto& on_row) {
        std::string sql = select;
        std::vector<db::Param> bound = params;
        if (!at.empty()) {
          sql += " and (created_at, uuid) > (:created_at, :uuid)";
          bound.emplace_back("created_at", at[0]);
          bound.emplace_back("uuid", at[1]);
        }
        bound.emplace_back("limit", limit);
        return session.Query(sql + " order by created_at, uuid limit :limit", bound, on_row);
      },
      [&](db::Row& row, Resource* resource) { *resource = read_row(row); },
      [](const Resource& resource) {
        return db::Position{text::FormatTimestamp(resource.created_at()), resource.uuid()};
      });
}

}  // namespace alma::organizations
