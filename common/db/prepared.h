#pragma once

#include <soci/soci.h>

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "common/db/dialect.h"
#include "common/db/param.h"

namespace alma::db {

// A statement prepared on a connection. Throws what SOCI throws, and std::logic_error for
// parameters that differ from those that it was prepared with. Not thread-safe.
class Prepared {
 public:
  // `params` say the names of its parameters and which of them are numbers.
  Prepared(soci::session& session, const Dialect& dialect, std::string_view sql, Params params);
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  // Runs it, and calls `on_row` for every row. The texts last until it returns. Not on a remote
  // engine.
  void Run(Params params, absl::FunctionRef<void(absl::Span<const ColumnValue>)> on_row);

  // See Dialect::Pipeline for both. What `values` point to lasts as long as `params` and
  // `*numbers`. Between calls, `names` and the order of `params` remain the same.
  Dialect::Pipeline::Statement statement() { return {&statement_, binary_}; }
  void ListValues(absl::Span<const std::string> names, Params params,
                  std::deque<std::string>* numbers, absl::Span<const char*> values);

 private:
  struct Slot {
    std::string text;
    long long number = 0;  // NOLINT(google-runtime-int): the type that SOCI binds
    bool is_number = false;
    soci::indicator indicator = soci::i_null;
  };
  // Where a name of the statement stands among the parameters, and its slot.
  struct Place {
    size_t param;
    const Slot* slot;
  };

  static void CheckFits(const Slot& slot, const Param& param);
  void Bind(Params params);
  void FindPlaces(absl::Span<const std::string> names, Params params);

  const Dialect& dialect_;
  soci::statement statement_;
  std::map<std::string, Slot, std::less<>> slots_;
  // Of each name, since the statement was in a pipeline.
  std::vector<Place> places_;
  bool binary_ = false;
  // Those of the row that was fetched last.
  std::vector<ColumnValue> columns_;
};

}  // namespace alma::db
