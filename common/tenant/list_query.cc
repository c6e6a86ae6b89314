#include "common/tenant/list_query.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace alma::tenant {
namespace {

constexpr std::string_view kFrom = "range_from";
constexpr std::string_view kTo = "range_to";

// PostgreSQL's name for it, which is behind every time as text too.
constexpr std::string_view kAfterEveryTime = "infinity";

std::string Join(const std::vector<std::string_view>& columns, const char* separator) {
  return absl::StrJoin(columns, separator,
                       [](std::string* out, std::string_view column) { out->append(column); });
}

}  // namespace

ListRange::ListRange(std::string_view table, std::string_view columns,
                     std::string_view organization)
    : select_(absl::StrCat("select ", std::string(columns), " from ", std::string(table),
                           " where alma_internal_organization = :organization")),
      params_({{"organization", organization}}) {}

void ListRange::WhereEqual(std::string_view column, db::Param value) {
  const std::string name(column);
  absl::StrAppend(&select_, " and ", name, " = :", name);
  params_.push_back(std::move(value));
}

void ListRange::Filter(std::string_view condition) {
  absl::StrAppend(&select_, " and ", std::string(condition));
}

void ListRange::OrderBy(std::vector<std::string_view> columns, bool descending) {
  order_ = std::move(columns);
  descending_ = descending;
}

void ListRange::Within(const google::protobuf::Timestamp* from,
                       const google::protobuf::Timestamp* to) {
  if (from != nullptr) from_.emplace(kFrom, *from);
  if (to != nullptr) to_.emplace(kTo, *to);
}

void ListRange::WithinSet(const google::protobuf::Timestamp* from,
                          const google::protobuf::Timestamp* to) {
  Within(from, to);
  // To the engines a bound says that there is a value. `is not null` would do so too, but SQLite
  // takes that for a lower bound, and by two of them prefers an index without the filter.
  if (!to_.has_value()) to_.emplace(kTo, kAfterEveryTime);
}

ListQuery ListRange::Behind(const db::Position& after, int64_t limit) const {
  std::string sql = select_;
  std::vector<db::Param> params = params_;
  const std::string first(order_.front());
  // Of two bounds on one side SQLite searches by one and reads past what the other excludes, so the
  // position takes the place of the range's bound, which it lies behind.
  if (from_.has_value() && (after.empty() || descending_)) {
    absl::StrAppend(&sql, " and ", first, " >= :", std::string(kFrom));
    params.push_back(*from_);
  }
  if (to_.has_value() && (after.empty() || !descending_)) {
    absl::StrAppend(&sql, " and ", first, " < :", std::string(kTo));
    params.push_back(*to_);
  }
  if (!after.empty()) {
    absl::StrAppend(&sql, " and (", Join(order_, ", "),
                    descending_ ? ") < (:" : ") > (:", Join(order_, ", :"), ")");
    for (size_t i = 0; i < order_.size(); ++i) params.emplace_back(order_[i], after[i]);
  }
  absl::StrAppend(&sql, " order by ", Join(order_, descending_ ? " desc, " : ", "),
                  descending_ ? " desc" : "", " limit :limit");
  params.emplace_back("limit", limit);
  return {std::move(sql), std::move(params)};
}

}  // namespace alma::tenant
