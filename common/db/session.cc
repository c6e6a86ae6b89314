#include "common/db/session.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/limit/clock.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

// Of a transaction whose caller would wait longer.
constexpr absl::Duration kLongestStatement = absl::Minutes(10);

// PostgreSQL keeps a plan until it has analyzed a table, a minute or more after the table has
// grown: of an empty table any index is as good as the key's.
constexpr absl::Duration kPlansLast = absl::Seconds(10);

// Statements that a transaction begins with on a remote engine.
constexpr size_t kOpening = 2;

}  // namespace

Session::Session(const Location& location, Access access)
    : location_(location), access_(access), dialect_(Dialect::For(location.engine)) {}

absl::Status Session::Connect() {
  try {
    soci_ = std::make_unique<soci::session>();
    dialect_.Connect(*soci_, location_, access_);
    planned_since_ = limit::MonotonicNow();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    // A connection that never stood can always be tried again.
    absl::Status status = Fail(error);
    failure_->kind = Failure::Kind::kConnection;
    return status;
  }
}

absl::Status Session::CheckAttached() {
  try {
    dialect_.CheckAttached(*soci_);
    ForgetOldPlans();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return Fail(error);
  }
}

void Session::ForgetOldPlans() {
  if (access_ == Access::kMonitor || dialect_.ForgetPlans().empty()) return;
  const absl::Duration now = limit::MonotonicNow();
  if (now - planned_since_ < kPlansLast) return;
  planned_since_ = now;
  *soci_ << std::string(dialect_.ForgetPlans());
}

absl::Status Session::Begin(absl::Duration remaining) {
  begun_ = true;
  if (!dialect_.IsRemote()) {
    in_transaction_ = true;
    return RunOnce(std::string(dialect_.Begin()));
  }
  const absl::Duration limit = std::clamp(remaining, absl::Milliseconds(1), kLongestStatement);
  later_.push_back({dialect_.Begin(), {}, nullptr, whom_});
  later_.push_back({dialect_.LimitStatements(),
                    {{"millis", absl::StrCat(absl::ToInt64Milliseconds(limit))}},
                    nullptr,
                    whom_});
  return absl::OkStatus();
}

absl::Status Session::Commit() {
  RETURN_IF_ERROR(CheckUnspoilt());
  if (discarded_ || (!in_transaction_ && later_.empty())) return absl::OkStatus();
  const bool rows_awaited = std::any_of(later_.begin(), later_.end(),
                                        [](const Later& one) { return one.on_row != nullptr; });
  // What cannot be read is not to be stored.
  if (rows_awaited) RETURN_IF_ERROR(Flush());
  if (dialect_.IsRemote()) {
    later_.push_back({"commit", {}, nullptr, whom_});
    const absl::Status committed = Flush();
    commit_sent_ = last_may_be_done_;
    RETURN_IF_ERROR(committed);
  } else {
    commit_sent_ = true;
    RETURN_IF_ERROR(RunOnce("commit"));
  }
  begun_ = false;
  in_transaction_ = false;
  return absl::OkStatus();
}

void Session::RollBack() {
  try {
    *soci_ << "rollback";
  } catch (const std::exception&) {
    // SQLite has already rolled back after some failures and says so; what else it may be shows in
    // IsIdle.
  }
}

bool Session::ConnectionLost() const {
  return failure_.has_value() && failure_->kind == Failure::Kind::kConnection;
}

void Session::For(std::string_view whom) {
  if (!failure_.has_value()) whom_ = whom;
}

std::string_view Session::LockedFor() const {
  const bool locked = failure_.has_value() && failure_->kind == Failure::Kind::kLocked;
  return locked ? std::string_view(whom_) : std::string_view();
}

absl::Status Session::CheckUnspoilt() const {
  return begun_ && failure_.has_value() ? failure_->status : absl::OkStatus();
}

void Session::Reset() {
  const bool lost = ConnectionLost();
  if (!lost && in_transaction_) RollBack();
  if (lost || (Connected() && !dialect_.IsIdle(*soci_))) Disconnect();
  spoilt_.clear();
  later_.clear();
  failure_.reset();
  whom_.clear();
  begun_ = false;
  in_transaction_ = false;
  commit_sent_ = false;
  discarded_ = false;
}

void Session::Disconnect() {
  spoilt_.clear();
  prepared_.clear();
  soci_.reset();
}

absl::Status Session::RunOnce(const std::string& sql) {
  try {
    *soci_ << sql;
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return Fail(error);
  }
}

absl::Status Session::Fail(const std::exception& error) {
  if (failure_.has_value()) return failure_->status;
  failure_ = dialect_.Classify(error, soci_.get());
  const bool expected =
      failure_->kind == Failure::Kind::kConflict || failure_->kind == Failure::Kind::kLocked;
  if (!expected && access_ != Access::kMonitor) {
    log::Warning("database_error",
                 {{"reason", status::Reason(failure_->status)}, {"cause", failure_->cause}});
  }
  return failure_->status;
}

Prepared& Session::Prepare(std::string_view sql, Params params) {
  if (const auto known = prepared_.find(sql); known != prepared_.end()) return *known->second;
  auto prepared = std::make_unique<Prepared>(*soci_, dialect_, sql, params);
  return *prepared_.emplace(sql, std::move(prepared)).first->second;
}

absl::StatusOr<int64_t> Session::Query(std::string_view sql, Params params,
                                       absl::FunctionRef<void(Row&)> on_row) {
  RETURN_IF_ERROR(CheckUnspoilt());
  if (dialect_.IsRemote()) {
    int64_t rows = 0;
    const Run run{sql, params};
    RETURN_IF_ERROR(QueryPipeline(absl::MakeConstSpan(&run, 1), [&](size_t, Row& row) {
      on_row(row);
      ++rows;
    }));
    return rows;
  }
  try {
    int64_t rows = 0;
    bool failed = false;
    Prepare(sql, params).Run(params, [&](absl::Span<const ColumnValue> columns) {
      Row row(columns);
      on_row(row);
      failed |= row.failed_;
      ++rows;
    });
    if (failed) return NotRead();
    return rows;
  } catch (const std::exception& error) {
    return FailQuery(sql, error);
  }
}

absl::Status Session::NotRead() {
  log::Warning("database_error",
               {{"reason", "INTERNAL"}, {"cause", "a column that does not read as asked"}});
  return status::Internal();
}

absl::Status Session::FailQuery(std::string_view sql, const std::exception& error) {
  absl::Status failed = Fail(error);
  if (const auto spoilt = prepared_.find(sql); spoilt != prepared_.end()) {
    spoilt_.push_back(std::move(spoilt->second));
    prepared_.erase(spoilt);
  }
  return failed;
}

bool Session::RunPipeline(absl::Span<const Run> runs, absl::FunctionRef<void(size_t, Row&)> on_row,
                          std::optional<size_t>* refused) {
  std::vector<Prepared*> prepared;
  std::vector<Dialect::Pipeline::Statement> statements;
  prepared.reserve(runs.size());
  statements.reserve(runs.size());
  for (size_t run = 0; run < runs.size(); ++run) {
    const bool again = run > 0 && runs[run].sql == runs[run - 1].sql;
    prepared.push_back(again ? prepared.back() : &Prepare(runs[run].sql, runs[run].params));
    statements.push_back(prepared.back()->statement());
  }
  std::deque<std::string> numbers;
  const auto bind = [&](size_t run, absl::Span<const std::string> names,
                        absl::Span<const char*> values) {
    prepared[run]->ListValues(names, runs[run].params, &numbers, values);
  };
  bool rows_read = true;
  const auto on_columns = [&](size_t run, absl::Span<const ColumnValue> columns) {
    Row row(columns);
    on_row(run, row);
    rows_read &= !row.failed_;
  };
  in_transaction_ |= begun_;
  last_may_be_done_ = true;
  dialect_.RunPipeline(*soci_, {statements, bind, on_columns, refused});
  return rows_read;
}

absl::Status Session::QueryPipeline(absl::Span<const Run> runs,
                                    absl::FunctionRef<void(size_t, Row&)> on_row) {
  RETURN_IF_ERROR(CheckUnspoilt());
  RETURN_IF_ERROR(OpenFor(runs));
  const std::vector<Later> later = std::exchange(later_, {});
  std::vector<Run> all;
  all.reserve(later.size() + runs.size());
  for (const Later& one : later) all.push_back({one.sql, one.params});
  all.insert(all.end(), runs.begin(), runs.end());
  const auto on_any_row = [&](size_t run, Row& row) {
    if (run >= later.size()) {
      on_row(run - later.size(), row);
    } else if (later[run].on_row != nullptr) {
      later[run].on_row(row);
    }
  };
  std::optional<size_t> refused;
  last_may_be_done_ = false;
  try {
    return RunPipeline(all, on_any_row, &refused) ? absl::OkStatus() : NotRead();
  } catch (const std::exception& error) {
    if (!refused.has_value()) return Fail(error);
    last_may_be_done_ = *refused + 1 == all.size();
    if (*refused < later.size()) whom_ = later[*refused].whom;
    return FailQuery(all[*refused].sql, error);
  }
}

absl::Status Session::OpenFor(absl::Span<const Run> runs) {
  if (!begun_ || in_transaction_) return absl::OkStatus();
  const auto is_new = [&](const auto& one) { return !prepared_.contains(one.sql); };
  const bool any_new = std::any_of(runs.begin(), runs.end(), is_new) ||
                       std::any_of(later_.begin() + kOpening, later_.end(), is_new);
  if (!any_new) return absl::OkStatus();
  std::vector<Later> others(std::make_move_iterator(later_.begin() + kOpening),
                            std::make_move_iterator(later_.end()));
  later_.resize(kOpening);
  RETURN_IF_ERROR(Flush());
  later_ = std::move(others);
  return absl::OkStatus();
}

absl::Status Session::QueryEach(std::string_view sql, absl::Span<const std::vector<Param>> runs,
                                absl::FunctionRef<void(size_t, Row&)> on_row) {
  return QueryEach(std::vector<std::string_view>(runs.size(), sql), runs, on_row);
}

absl::Status Session::QueryEach(absl::Span<const std::string_view> sqls,
                                absl::Span<const std::vector<Param>> runs,
                                absl::FunctionRef<void(size_t, Row&)> on_row) {
  if (dialect_.IsRemote() && !runs.empty()) {
    std::vector<Run> all;
    all.reserve(runs.size());
    for (size_t run = 0; run < runs.size(); ++run) all.push_back({sqls[run], runs[run]});
    return QueryPipeline(all, on_row);
  }
  for (size_t run = 0; run < runs.size(); ++run) {
    RETURN_IF_ERROR(Query(sqls[run], runs[run], [&](Row& row) { on_row(run, row); }).status());
  }
  return absl::OkStatus();
}

absl::Status Session::ExecuteEach(std::string_view sql, absl::Span<const std::vector<Param>> runs) {
  return QueryEach(sql, runs, [](size_t, Row&) {});
}

absl::Status Session::QueryLater(std::string_view sql, std::vector<Param> params,
                                 std::function<void(Row&)> on_row) {
  if (!dialect_.IsRemote()) return Query(sql, params, on_row).status();
  later_.push_back({sql, std::move(params), std::move(on_row), whom_});
  return absl::OkStatus();
}

absl::Status Session::ExecuteLater(std::string_view sql, std::vector<Param> params) {
  if (!dialect_.IsRemote()) return Execute(sql, params);
  later_.push_back({sql, std::move(params), nullptr, whom_});
  return absl::OkStatus();
}

absl::Status Session::ExecuteLater(absl::Span<const std::string_view> sqls,
                                   std::vector<std::vector<Param>> runs) {
  for (size_t run = 0; run < runs.size(); ++run) {
    RETURN_IF_ERROR(ExecuteLater(sqls[run], std::move(runs[run])));
  }
  return absl::OkStatus();
}

absl::Status Session::Flush() {
  return later_.empty() ? absl::OkStatus() : QueryPipeline({}, [](size_t, Row&) {});
}

absl::Status Session::Execute(std::string_view sql, Params params) {
  return Query(sql, params, [](Row&) {}).status();
}

}  // namespace alma::db
