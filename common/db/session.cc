#include "common/db/session.h"

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

std::logic_error ParametersDiffer() {
  return std::logic_error("parameters differ from those that the statement was prepared with");
}

// SOCI fetches rows only where there is something to put them into. Dialect::ReadRow takes them
// where they are: all columns at once, without a copy of each.
class FetchedRow final : public soci::details::into_type_base {
 public:
  void define(soci::details::statement_impl&, int&) override {}
  void pre_exec(int) override {}
  void pre_fetch() override {}
  void post_fetch(bool, bool) override {}
  void clean_up() override {}
  std::size_t size() const override { return 1; }
};

}  // namespace

Session::Session(const Location& location, Access access)
    : location_(location), access_(access), dialect_(Dialect::For(location.engine)) {}

absl::Status Session::Connect() {
  try {
    soci_ = std::make_unique<soci::session>();
    dialect_.Connect(*soci_, location_, access_);
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
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return Fail(error);
  }
}

absl::Status Session::Begin(absl::Duration remaining) {
  in_transaction_ = true;
  return RunOnce(dialect_.Begin(remaining));
}

absl::Status Session::Commit() {
  RETURN_IF_ERROR(RunOnce("commit"));
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

bool Session::LockTimedOut() const {
  return failure_.has_value() && failure_->kind == Failure::Kind::kLocked;
}

void Session::Reset() {
  const bool lost = ConnectionLost();
  if (!lost && in_transaction_) RollBack();
  if (lost || (Connected() && !dialect_.IsIdle(*soci_))) Disconnect();
  spoilt_.clear();
  failure_.reset();
  in_transaction_ = false;
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

Session::Prepared& Session::Prepare(std::string_view sql, Params params) {
  if (const auto known = prepared_.find(sql); known != prepared_.end()) return *known->second;
  auto prepared = std::make_unique<Prepared>(*soci_);
  prepared->statement.alloc();
  prepared->statement.prepare(std::string(sql));
  for (const Param& param : params) {
    const std::string name(param.name_);
    Prepared::Slot& slot = prepared->slots[name];
    slot.is_number = std::holds_alternative<int64_t>(param.value_);
    // A null has no type of its own; text suits every column on both engines.
    if (slot.is_number) {
      prepared->statement.exchange(soci::use(slot.number, slot.indicator, name));
    } else {
      prepared->statement.exchange(soci::use(slot.text, slot.indicator, name));
    }
  }
  prepared->columns.resize(dialect_.ColumnCount(*soci_, prepared->statement));
  if (!prepared->columns.empty()) {
    prepared->statement.exchange(soci::details::into_type_ptr(new FetchedRow));
  }
  prepared->statement.define_and_bind();
  return *prepared_.emplace(sql, std::move(prepared)).first->second;
}

// The slot was made for the parameters of the statement's first use.
void Session::CheckFits(const Prepared::Slot& slot, const Param& param) {
  if (slot.is_number && std::holds_alternative<std::string>(param.value_)) throw ParametersDiffer();
}

void Session::Bind(Prepared& prepared, Params params) {
  // What is left out would keep its value of the last time.
  if (params.size() != prepared.slots.size()) throw ParametersDiffer();
  for (const Param& param : params) {
    const auto named = prepared.slots.find(param.name_);
    if (named == prepared.slots.end()) throw ParametersDiffer();
    Prepared::Slot& slot = named->second;
    CheckFits(slot, param);
    slot.indicator =
        std::holds_alternative<std::monostate>(param.value_) ? soci::i_null : soci::i_ok;
    if (const auto* text = std::get_if<std::string>(&param.value_)) slot.text = *text;
    if (const auto* number = std::get_if<int64_t>(&param.value_)) {
      slot.number = *number;
      if (!slot.is_number) slot.text = absl::StrCat(*number);
    }
  }
}

absl::StatusOr<int64_t> Session::Query(std::string_view sql, Params params,
                                       absl::FunctionRef<void(Row&)> on_row) {
  try {
    Prepared& prepared = Prepare(sql, params);
    Bind(prepared, params);
    int64_t rows = 0;
    bool failed = false;
    // Every row is fetched: a statement left half-way keeps SQLite's WAL from being checkpointed.
    for (bool more = prepared.statement.execute(true); more && !prepared.columns.empty();
         more = prepared.statement.fetch()) {
      dialect_.ReadRow(prepared.statement, absl::MakeSpan(prepared.columns));
      Row row(prepared.columns);
      on_row(row);
      failed |= row.failed_;
      ++rows;
    }
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

auto Session::Places(const Prepared& prepared, absl::Span<const std::string> names, Params params)
    -> std::vector<Prepared::Place> {
  std::vector<Prepared::Place> places;
  places.reserve(names.size());
  for (const std::string& name : names) {
    const auto* param = std::find_if(params.begin(), params.end(),
                                     [&](const Param& one) { return one.name_ == name; });
    const auto slot = prepared.slots.find(name);
    if (slot == prepared.slots.end()) throw ParametersDiffer();
    places.push_back({static_cast<size_t>(param - params.begin()), &slot->second});
  }
  return places;
}

bool Session::RunPipeline(absl::Span<const std::string_view> sqls,
                          absl::Span<const std::vector<Param>> runs,
                          absl::FunctionRef<void(size_t, Row&)> on_row,
                          std::optional<size_t>* refused) {
  std::vector<Prepared*> prepared;
  std::vector<soci::statement*> statements;
  prepared.reserve(runs.size());
  statements.reserve(runs.size());
  for (size_t run = 0; run < runs.size(); ++run) {
    const bool again = run > 0 && sqls[run] == sqls[run - 1];
    prepared.push_back(again ? prepared.back() : &Prepare(sqls[run], runs[run]));
    statements.push_back(&prepared.back()->statement);
  }
  std::deque<std::string> numbers;
  const auto bind = [&](size_t run, absl::Span<const std::string> names,
                        absl::Span<const char*> values) {
    const std::vector<Param>& params = runs[run];
    if (params.size() != prepared[run]->slots.size()) throw ParametersDiffer();
    std::vector<Prepared::Place>& places = prepared[run]->places;
    if (places.empty()) places = Places(*prepared[run], names, params);
    for (size_t i = 0; i < names.size(); ++i) {
      const Param& param = params.at(places[i].param);
      if (param.name_ != names[i]) throw ParametersDiffer();
      CheckFits(*places[i].slot, param);
      if (const auto* number = std::get_if<int64_t>(&param.value_)) {
        values[i] = numbers.emplace_back(absl::StrCat(*number)).c_str();
      } else {
        const auto* text = std::get_if<std::string>(&param.value_);
        values[i] = text == nullptr ? nullptr : text->c_str();
      }
    }
  };
  bool rows_read = true;
  const auto on_columns = [&](size_t run, absl::Span<const ColumnText> columns) {
    Row row(columns);
    on_row(run, row);
    rows_read &= !row.failed_;
  };
  dialect_.RunPipeline(*soci_, {statements, bind, on_columns, refused});
  return rows_read;
}

absl::Status Session::QueryPipeline(absl::Span<const std::string_view> sqls,
                                    absl::Span<const std::vector<Param>> runs,
                                    absl::FunctionRef<void(size_t, Row&)> on_row) {
  std::optional<size_t> refused;
  try {
    return RunPipeline(sqls, runs, on_row, &refused) ? absl::OkStatus() : NotRead();
  } catch (const std::exception& error) {
    return refused.has_value() ? FailQuery(sqls[*refused], error) : Fail(error);
  }
}

absl::Status Session::QueryEach(std::string_view sql, absl::Span<const std::vector<Param>> runs,
                                absl::FunctionRef<void(size_t, Row&)> on_row) {
  return QueryEach(std::vector<std::string_view>(runs.size(), sql), runs, on_row);
}

absl::Status Session::QueryEach(absl::Span<const std::string_view> sqls,
                                absl::Span<const std::vector<Param>> runs,
                                absl::FunctionRef<void(size_t, Row&)> on_row) {
  if (dialect_.IsRemote() && runs.size() > 1) return QueryPipeline(sqls, runs, on_row);
  for (size_t run = 0; run < runs.size(); ++run) {
    RETURN_IF_ERROR(Query(sqls[run], runs[run], [&](Row& row) { on_row(run, row); }).status());
  }
  return absl::OkStatus();
}

absl::Status Session::ExecuteEach(std::string_view sql, absl::Span<const std::vector<Param>> runs) {
  return QueryEach(sql, runs, [](size_t, Row&) {});
}

absl::Status Session::Execute(std::string_view sql, Params params) {
  return Query(sql, params, [](Row&) {}).status();
}

}  // namespace alma::db
