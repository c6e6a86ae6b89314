#pragma once

#include <soci/soci.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/db/dialect.h"
#include "common/db/param.h"
#include "common/db/prepared.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::db {

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
  explicit Row(absl::Span<const ColumnValue> columns) : columns_(columns) {}

  const absl::Span<const ColumnValue> columns_;
  size_t next_ = 0;
  bool failed_ = false;
};

// One connection and the statements prepared on it, lent by Database for the length of one Read or
// Write. Not thread-safe, not even on SQLite, whose connections have no mutexes here. A statement
// is prepared at its first use and kept, so SQL texts are a bounded set: values always travel as
// parameters.
class Session {
 public:
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

  // As Query and QueryEach, but only together with the next statement, with Flush or with the
  // commit: by then rows have been given, and what fails fails there. So it costs no round trip of
  // its own. Only in a Write; the texts, and what the functions refer to, last until then. On
  // SQLite, where there are no round trips, at once.
  absl::Status QueryLater(std::string_view sql, std::vector<Param> params,
                          std::function<void(Row&)> on_row);
  absl::Status ExecuteLater(std::string_view sql, std::vector<Param> params);
  absl::Status ExecuteLater(absl::Span<const std::string_view> sqls,
                            std::vector<std::vector<Param>> runs);
  // Runs what was left for later.
  absl::Status Flush();

  // See Dialect::IsRemote.
  bool IsRemote() const { return dialect_.IsRemote(); }

  bool Connected() const { return soci_ != nullptr; }
  // UNAVAILABLE when the database cannot be reached.
  absl::Status Connect();
  // Opens a transaction whose statements end at the latest after `remaining` where the engine can
  // see to that, with its first statement. What is not committed is rolled back by Reset.
  absl::Status Begin(absl::Duration remaining);
  // Together with what was left for later, unless rows of it are awaited. The body of a Write may
  // do it with its last statement; else it is done behind the body. Whether a commit took place
  // that lost its connection is not known, so the write is not run again then.
  absl::Status Commit();
  // UNAVAILABLE when the connection no longer stands for the stored data. To be called before each
  // use of the session, whose plans are renewed here now and then.
  absl::Status CheckAttached();
  bool ConnectionLost() const;
  // Says for whom the next statements are.
  void For(std::string_view whom);
  // For whom the statement was that failed because somebody else keeps a lock, see Access::kLane
  // and kPatientLane; empty where none did.
  std::string_view LockedFor() const;
  // Makes the session ready for its next user, without its connection where that is lost or does
  // not come out of its transaction.
  void Reset();
  void Disconnect();

  // Only in a Write: nothing of this transaction is kept, though Write returns OK.
  void Discard() { discarded_ = true; }

 private:
  friend class Database;

  // One or several statements without parameters, not kept.
  absl::Status RunOnce(const std::string& sql);
  Prepared& Prepare(std::string_view sql, Params params);
  // A statement that waits for the next.
  struct Later {
    std::string_view sql;
    std::vector<Param> params;
    // None where no rows are awaited.
    std::function<void(Row&)> on_row;
    std::string whom;
  };
  // A statement of a pipeline and what it is run with.
  struct Run {
    std::string_view sql;
    Params params;
  };
  // The first failure of a Write, whose transaction takes no more statements.
  absl::Status CheckUnspoilt() const;
  // The runs behind what was left for later, as one pipeline.
  absl::Status QueryPipeline(absl::Span<const Run> runs,
                             absl::FunctionRef<void(size_t, Row&)> on_row);
  // Opens the transaction before `runs` and what was left for later, unless all of it is prepared:
  // to prepare is to wait for locks, too, so the limit of statements is to be in force.
  absl::Status OpenFor(absl::Span<const Run> runs);
  // Whether all rows were read as asked. See Dialect::Pipeline for `refused`.
  bool RunPipeline(absl::Span<const Run> runs, absl::FunctionRef<void(size_t, Row&)> on_row,
                   std::optional<size_t>* refused);
  static absl::Status NotRead();
  // What failed is prepared anew when it is run again.
  absl::Status FailQuery(std::string_view sql, const std::exception& error);
  void ForgetOldPlans();
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
  std::vector<Later> later_;
  std::optional<Failure> failure_;
  // Between what opens a transaction and what ends it, both as far as the engine was told.
  bool in_transaction_ = false;
  // Whether the last statement of the last pipeline may have been done, though the pipeline failed.
  bool last_may_be_done_ = false;
  // The same of a commit.
  bool commit_sent_ = false;
  // From Begin to the commit or Reset.
  bool begun_ = false;
  // On limit::MonotonicNow.
  absl::Duration planned_since_;
  // See For; once a statement has failed, those that it was for.
  std::string whom_;
  bool discarded_ = false;
};

}  // namespace alma::db
