#pragma once

#include <soci/soci.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/db/dialect.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::db {

// A value for the parameter `:name` of a statement. Uuids, timestamps and JSON travel as text on
// both engines.
class Param {
 public:
  Param(std::string_view name, std::string_view text) : name_(name), value_(std::string(text)) {}
  Param(std::string_view name, const char* text) : Param(name, std::string_view(text)) {}
  Param(std::string_view name, int64_t number) : name_(name), value_(number) {}
  Param(std::string_view name, int number) : Param(name, int64_t{number}) {}
  Param(std::string_view name, bool truth) : Param(name, int64_t{truth}) {}
  Param(std::string_view name, const google::protobuf::Timestamp& time);
  // Stored as compact JSON. A Struct that the text checks accepted always has one.
  Param(std::string_view name, const google::protobuf::Struct& json);
  // Stored as a JSON array.
  Param(std::string_view name, const google::protobuf::RepeatedPtrField<std::string>& texts);
  template <typename T>
  Param(std::string_view name, const std::optional<T>& value) : name_(name) {
    if (value.has_value()) *this = Param(name, *value);
  }
  static Param Null(std::string_view name) { return Param(name, std::optional<int64_t>()); }
  // The text, or null where it is empty.
  static Param TextOrNull(std::string_view name, std::string_view text) {
    return text.empty() ? Null(name) : Param(name, text);
  }

 private:
  friend class Session;
  std::string_view name_;
  std::variant<std::monostate, std::string, int64_t> value_;
};

// One row of an answer. Each call takes the next column, from the left. A null where the call does
// not allow one, or a value that does not parse, fails the query with INTERNAL. A std::string_view
// lasts as long as the row, that is until `on_row` returns.
class Row {
 public:
  std::string_view Text();
  int64_t Int64();
  bool Bool();
  // Into the field that it is for.
  void Time(google::protobuf::Timestamp* time);
  google::protobuf::Timestamp Time();
  google::protobuf::Struct Json();
  // A JSON array of texts; none where the column is null.
  google::protobuf::RepeatedPtrField<std::string> Texts();
  // Whether the next column is null, which is then taken.
  bool SkipNull();
  std::optional<std::string_view> OptionalText();
  std::optional<int64_t> OptionalInt64();
  std::optional<google::protobuf::Struct> OptionalJson();

  // Whether a call so far is going to fail the query.
  bool failed() const { return failed_; }

 private:
  friend class Session;
  explicit Row(absl::Span<const ColumnText> columns) : columns_(columns) {}

  const absl::Span<const ColumnText> columns_;
  size_t next_ = 0;
  bool failed_ = false;
};

// One connection and the statements prepared on it, lent by Database for the length of one Read or
// Write. Not thread-safe, not even on SQLite, whose connections have no mutexes here. A statement
// is prepared at its first use and kept, so SQL texts are a bounded set: values always travel as
// parameters.
class Session {
 public:
  using Params = absl::Span<const Param>;

  Session(const Location& location, Access access);

  // Runs `sql`, calls `on_row` for every row, returns the number of rows. A failure of the database
  // comes back as Dialect::Classify says; INTERNAL when a row could not be read.
  absl::StatusOr<int64_t> Query(std::string_view sql, Params params,
                                absl::FunctionRef<void(Row&)> on_row);

  // Runs `sql` once with each of `runs`, in this order, each seeing what those before it wrote, and
  // calls `on_row(run, row)` for every row. The first failure ends it; rows of the runs before it
  // may have been given by then. On PostgreSQL all of it is one round trip.
  absl::Status QueryEach(std::string_view sql, absl::Span<const std::vector<Param>> runs,
                         absl::FunctionRef<void(size_t, Row&)> on_row);
  // The same where each run has a text of its own.
  absl::Status QueryEach(absl::Span<const std::string_view> sqls,
                         absl::Span<const std::vector<Param>> runs,
                         absl::FunctionRef<void(size_t, Row&)> on_row);
  absl::Status ExecuteEach(std::string_view sql, absl::Span<const std::vector<Param>> runs);

  // Runs a statement that answers no rows.
  absl::Status Execute(std::string_view sql, Params params = {});

  // See Dialect::IsRemote.
  bool IsRemote() const { return dialect_.IsRemote(); }

  bool Connected() const { return soci_ != nullptr; }
  // UNAVAILABLE when the database cannot be reached.
  absl::Status Connect();
  // See Dialect::Begin. What is not committed is rolled back by Reset.
  absl::Status Begin(absl::Duration remaining);
  absl::Status Commit();
  // UNAVAILABLE when the connection no longer stands for the stored data.
  absl::Status CheckAttached();
  bool ConnectionLost() const;
  // Whether it has failed because somebody else keeps a lock, see Access::kLane.
  bool LockTimedOut() const;
  // Makes the session ready for its next user, without its connection where that is lost or does
  // not come out of its transaction.
  void Reset();
  void Disconnect();

  // Only in a Write: nothing of this transaction is kept, though Write returns OK.
  void Discard() { discarded_ = true; }

 private:
  friend class Database;

  struct Prepared {
    explicit Prepared(soci::session& session) : statement(session) {}
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
    soci::statement statement;
    std::map<std::string, Slot, std::less<>> slots;
    // Of each name, since the statement was in a pipeline; its parameters have one order.
    std::vector<Place> places;
    // Those of the row that was fetched last.
    std::vector<ColumnText> columns;
  };

  // One or several statements without parameters, not kept.
  absl::Status RunOnce(const std::string& sql);
  Prepared& Prepare(std::string_view sql, Params params);
  static void CheckFits(const Prepared::Slot& slot, const Param& param);
  static void Bind(Prepared& prepared, Params params);
  // The runs of QueryEach as one pipeline.
  absl::Status QueryPipeline(absl::Span<const std::string_view> sqls,
                             absl::Span<const std::vector<Param>> runs,
                             absl::FunctionRef<void(size_t, Row&)> on_row);
  // Whether all rows were read as asked. See Dialect::Pipeline for `refused`.
  bool RunPipeline(absl::Span<const std::string_view> sqls,
                   absl::Span<const std::vector<Param>> runs,
                   absl::FunctionRef<void(size_t, Row&)> on_row, std::optional<size_t>* refused);
  static std::vector<Prepared::Place> Places(const Prepared& prepared,
                                             absl::Span<const std::string> names, Params params);
  static absl::Status NotRead();
  // What failed is prepared anew when it is run again.
  absl::Status FailQuery(std::string_view sql, const std::exception& error);
  void RollBack();
  // Keeps the first failure: what follows it in a spoilt transaction tells nothing.
  absl::Status Fail(const std::exception& error);

  const Location& location_;
  const Access access_;
  const Dialect& dialect_;
  std::unique_ptr<soci::session> soci_;
  std::map<std::string, std::unique_ptr<Prepared>, std::less<>> prepared_;
  // Not to be run again; PostgreSQL forgets a statement only outside of a failed transaction.
  std::vector<std::unique_ptr<Prepared>> spoilt_;
  std::optional<Failure> failure_;
  bool in_transaction_ = false;
  bool discarded_ = false;
};

}  // namespace alma::db
