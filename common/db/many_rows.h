#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/db/session.h"

namespace alma::db {

// A statement that is written for one row, and for several where the engine prefers that: running a
// statement takes it as long as what many of them do to a row. Immutable, thread-safe.
class ManyRows {
 public:
  // The parameters of a row.
  using Names = std::vector<std::string>;
  // The statement's text for rows whose parameters have these names.
  using Text = std::function<std::string(absl::Span<const Names> rows)>;
  // Rows of a statement, at most.
  static constexpr size_t kMost = 16;

  // `names` are those of the first row of a statement; those of the others have its number behind.
  ManyRows(const Names& names, const Text& text);

  // A statement for rows `begin` to `begin` + `rows` - 1 of many, of which there are `count`.
  struct Group {
    std::string_view sql;
    size_t begin;
    size_t rows;
    size_t count;
    // Which of the many is the statement's row `row`: the last one again where there is room for
    // more.
    size_t At(size_t row) const { return std::min(begin + row, count - 1); }
  };
  // Divides `count` rows among as few statements as take just them.
  std::vector<Group> Exactly(const Session& session, size_t count) const;
  // The same with fewer statements, where the last may have room for rows beyond `count`. None is
  // for more than `most` rows.
  std::vector<Group> AtLeast(const Session& session, size_t count, size_t most = kMost) const;

  // Of row `row` of a statement, less than kMost.
  const Names& names(size_t row) const { return names_[row]; }
  // For one row.
  const std::string& sql() const { return sqls_.front(); }

 private:
  // By kSizes.
  std::vector<std::string> sqls_;
  std::vector<Names> names_;
};

// The parameter `place` of each row, by comma.
std::string ParamOfRows(absl::Span<const ManyRows::Names> rows, size_t place);

}  // namespace alma::db
