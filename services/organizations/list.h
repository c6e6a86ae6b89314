#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/list_page.h"
#include "common/db/page.h"
#include "common/db/session.h"
#include "common/status/macros.h"
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
  db::ListPage<Response> page;
  db::PageCut cut(page_size);
  db::Position at = after;
  const auto read = [&](db::Row& row) {
    Resource resource = read_row(row);
    at = {text::FormatTimestamp(resource.created_at()), resource.uuid()};
    if (!cut.Fits(resource.ByteSizeLong())) return;
    page.next = at;
    *(page.response.*rows)()->Add() = std::move(resource);
  };
  RETURN_IF_ERROR(db::ReadPage(cut, [&](int64_t limit) {
    std::string sql = select;
    std::vector<db::Param> bound = params;
    if (!at.empty()) {
      sql += " and (created_at, uuid) > (:created_at, :uuid)";
      bound.emplace_back("created_at", at[0]);
      bound.emplace_back("uuid", at[1]);
    }
    bound.emplace_back("limit", limit);
    return session.Query(sql + " order by created_at, uuid limit :limit", bound, read);
  }));
  if (!cut.more()) page.next.clear();
  return page;
}

}  // namespace alma::organizations
