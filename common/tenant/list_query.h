#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/db/list_page.h"
#include "common/db/session.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::tenant {

// What a list asks the database: one range of one index, read in the order of the list.
struct ListQuery {
  std::string sql;
  std::vector<db::Param> params;
};

// A list of an organization's rows that is filtered by columns that equal a value, ordered by
// others, and may be a range of the first of those. There has to be an index on
// alma_internal_organization, the filters and the order. Names of columns outlive the object.
class ListRange {
 public:
  // `columns` as Table has them.
  ListRange(std::string_view table, std::string_view columns, std::string_view organization);

  // Only rows with this value. What else the caller knows of the rows goes to Filter.
  template <typename Value>
  void Where(std::string_view column, const Value& value) {
    WhereEqual(column, db::Param(column, value));
  }
  // A condition without parameters that some of the range's rows may not meet.
  void Filter(std::string_view condition);

  // Orders by `columns`, whose values are a Position, the last of them unique.
  void OrderBy(std::vector<std::string_view> columns, bool descending);
  // Only rows whose first column of the order is in [from, to); unset times leave that side open.
  void Within(const google::protobuf::Timestamp* from, const google::protobuf::Timestamp* to);
  // The same of an ascending order, without the rows that have no such time. Its indexes may leave
  // them out.
  void WithinSet(const google::protobuf::Timestamp* from, const google::protobuf::Timestamp* to);

  // Up to `limit` rows behind `after`.
  ListQuery Behind(const db::Position& after, int64_t limit) const;

 private:
  void WhereEqual(std::string_view column, db::Param value);

  std::string select_;
  std::vector<db::Param> params_;
  std::vector<std::string_view> order_;
  bool descending_ = false;
  std::optional<db::Param> from_;
  std::optional<db::Param> to_;
};

}  // namespace alma::tenant
