#include "common/db/session.h"

#include <charconv>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/text/json.h"
#include "common/text/timestamp.h"

namespace alma::db {

Param::Param(std::string_view name, const google::protobuf::Timestamp& time)
    : name_(name), value_(text::FormatTimestamp(time)) {}

Param::Param(std::string_view name, const google::protobuf::Struct& json)
    : name_(name), value_(text::StructToJson(json).value_or("{}")) {}

Param::Param(std::string_view name, const google::protobuf::RepeatedPtrField<std::string>& texts)
    : name_(name), value_(text::TextsToJson(texts)) {}

std::string_view Row::Text() {
  failed_ |= NextIsNull();
  return (*columns_)[next_++].text;
}

int64_t Row::Int64() {
  int64_t number = 0;
  const std::string_view text = Text();
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  failed_ |= error != std::errc() || end != text.end();
  return number;
}

bool Row::Bool() {
  const std::string_view text = Text();
  const bool truth = text == "t" || text == "1";
  failed_ |= !truth && text != "f" && text != "0";
  return truth;
}

google::protobuf::Timestamp Row::Time() {
  auto time = text::ParseTimestamp(Text());
  failed_ |= !time.ok();
  return std::move(time).value_or(google::protobuf::Timestamp());
}

google::protobuf::Struct Row::Json() {
  auto json = text::StructFromJson(Text());
  failed_ |= !json.ok();
  return std::move(json).value_or(google::protobuf::Struct());
}

google::protobuf::RepeatedPtrField<std::string> Row::Texts() {
  auto texts = text::TextsFromJson(OptionalText().value_or("[]"));
  failed_ |= !texts.ok();
  return std::move(texts).value_or(google::protobuf::RepeatedPtrField<std::string>());
}

std::optional<std::string_view> Row::OptionalText() {
  if (!NextIsNull()) return Text();
  ++next_;
  return std::nullopt;
}

std::optional<int64_t> Row::OptionalInt64() {
  if (!NextIsNull()) return Int64();
  ++next_;
  return std::nullopt;
}

std::optional<google::protobuf::Timestamp> Row::OptionalTime() {
  if (!NextIsNull()) return Time();
  ++next_;
  return std::nullopt;
}

std::optional<google::protobuf::Struct> Row::OptionalJson() {
  if (!NextIsNull()) return Json();
  ++next_;
  return std::nullopt;
}

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
    // SQLite has already rolled back after some failures and says so; a dead connection shows at
    // the next statement.
  }
}

bool Session::ConnectionLost() const {
  return failure_.has_value() && failure_->kind == Failure::Kind::kConnection;
}

void Session::Reset() {
  if (ConnectionLost()) {
    Disconnect();
  } else if (in_transaction_) {
    RollBack();
  }
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
  if (failure_->kind != Failure::Kind::kConflict && access_ != Access::kMonitor) {
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
  for (Row::Column& column : prepared->columns) {
    prepared->statement.exchange(soci::into(column.text, column.indicator));
  }
  prepared->statement.define_and_bind();
  return *prepared_.emplace(sql, std::move(prepared)).first->second;
}

void Session::Bind(Prepared& prepared, Params params) {
  for (const Param& param : params) {
    const auto* text = std::get_if<std::string>(&param.value_);
    const auto named = prepared.slots.find(param.name_);
    // The slot was made for the parameters of the statement's first use.
    if (named == prepared.slots.end() || (text != nullptr && named->second.is_number)) {
      throw std::logic_error("parameters differ from those that the statement was prepared with");
    }
    Prepared::Slot& slot = named->second;
    slot.indicator =
        std::holds_alternative<std::monostate>(param.value_) ? soci::i_null : soci::i_ok;
    if (text != nullptr) slot.text = *text;
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
      Row row;
      row.columns_ = &prepared.columns;
      on_row(row);
      failed |= row.failed_;
      ++rows;
    }
    if (!failed) return rows;
    log::Warning("database_error",
                 {{"reason", "INTERNAL"}, {"cause", "a column that does not read as asked"}});
    return status::Internal();
  } catch (const std::exception& error) {
    absl::Status failed = Fail(error);
    if (auto spoilt = prepared_.extract(std::string(sql))) {
      spoilt_.push_back(std::move(spoilt.mapped()));
    }
    return failed;
  }
}

absl::Status Session::Execute(std::string_view sql, Params params) {
  return Query(sql, params, [](Row&) {}).status();
}

}  // namespace alma::db
