#include "common/db/postgresql_pipeline.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/id/uuid.h"

namespace alma::db {
namespace {

constexpr char kConnectionFailure[] = "08006";

using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

Result NextResult(PGconn* connection) { return Result(PQgetResult(connection), PQclear); }

bool Succeeded(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

// What the server says of a failure; none where it comes from libpq, as when a connection is gone.
const char* SqlState(const PGresult* failed) {
  return failed == nullptr ? nullptr : PQresultErrorField(failed, PG_DIAG_SQLSTATE);
}

// Those of pg_type, which no version changes.
constexpr Oid kBool = 16;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kVarchar = 1043;
constexpr Oid kTimestamptz = 1184;
constexpr Oid kUuid = 2950;
constexpr Oid kJsonb = 3802;

bool IsKnown(Oid type) {
  switch (type) {
    case kBool:
    case kInt8:
    case kInt2:
    case kInt4:
    case kText:
    case kVarchar:
    case kTimestamptz:
    case kUuid:
    case kJsonb:
      return true;
    default:
      return false;
  }
}

// Of a result.
struct Column {
  Oid type;
  std::array<char, id::kUuidLength> uuid;
};

// Big-endian, two's complement.
int64_t Integer(std::string_view bytes) {
  int64_t number = (bytes.front() & 0x80) == 0 ? 0 : -1;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

// From 2000 on; infinity and years that no calendar of ours has are the last that there is.
std::chrono::sys_time<std::chrono::microseconds> Time(int64_t micros) {
  constexpr std::chrono::sys_time<std::chrono::microseconds> kEpoch =
      std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
  using std::chrono::microseconds;
  constexpr auto kLast = std::chrono::sys_time<microseconds>::max();
  return microseconds(micros) > kLast - kEpoch ? kLast : kEpoch + microseconds(micros);
}

// A text may be the column's.
ColumnValue ValueOf(Column& column, std::string_view bytes) {
  switch (column.type) {
    case kBool:
    case kInt2:
    case kInt4:
    case kInt8:
      return Integer(bytes);
    case kTimestamptz:
      return Time(Integer(bytes));
    case kUuid:
      id::FormatUuid(bytes, column.uuid.data());
      return std::string_view(column.uuid.data(), column.uuid.size());
    case kJsonb:
      // Behind the version of its form.
      return bytes.substr(1);
    default:
      return bytes;
  }
}

const soci::postgresql_statement_backend& Backend(soci::statement& statement) {
  return *static_cast<const soci::postgresql_statement_backend*>(statement.get_backend());
}

// Sends every run and then what makes the server answer them. False when the connection is gone.
bool Send(PGconn* connection, const Dialect::Pipeline& pipeline,
          const std::vector<std::vector<const char*>>& runs) {
  for (size_t run = 0; run < runs.size(); ++run) {
    const Dialect::Pipeline::Statement& statement = pipeline.statements[run];
    const std::string& name = Backend(*statement.prepared).statementName_;
    if (PQsendQueryPrepared(connection, name.c_str(), static_cast<int>(runs[run].size()),
                            runs[run].data(), nullptr, nullptr, statement.binary ? 1 : 0) != 1) {
      return false;
    }
  }
  return PQpipelineSync(connection) == 1;
}

void GiveRows(const PGresult* result, size_t run, const Dialect::Pipeline& pipeline) {
  const int count = PQnfields(result);
  std::vector<Column> columns;
  columns.reserve(count);
  for (int i = 0; i < count; ++i) {
    columns.push_back({PQfformat(result, i) == 1 ? PQftype(result, i) : kText, {}});
  }
  std::vector<ColumnValue> values(count);
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int i = 0; i < count; ++i) {
      values[i] = PQgetisnull(result, row, i) == 1
                      ? ColumnValue()
                      : ValueOf(columns[i], {PQgetvalue(result, row, i),
                                             static_cast<size_t>(PQgetlength(result, row, i))});
    }
    pipeline.on_row(run, values);
  }
}

// Gives the rows of each run when it is answered, and holds the result of one run at a time. What
// failed first, or nothing; the runs behind it are skipped by the server, and say so.
std::optional<Result> Receive(PGconn* connection, const Dialect::Pipeline& pipeline) {
  std::optional<Result> failed;
  for (size_t run = 0; run < pipeline.statements.size(); ++run) {
    Result result = NextResult(connection);
    const bool ended = result == nullptr;
    if (!failed.has_value()) {
      if (Succeeded(result.get())) {
        GiveRows(result.get(), run, pipeline);
      } else {
        if (SqlState(result.get()) != nullptr) *pipeline.refused = run;
        failed = std::move(result);
      }
    }
    if (ended) return failed;
    while (NextResult(connection) != nullptr) {
    }
  }
  // That of the synchronization.
  NextResult(connection);
  return failed;
}

// Rows are given when the connection is free for other statements.
void RunAlone(PGconn* connection, const Dialect::Pipeline& pipeline,
              const std::vector<const char*>& run) {
  const Dialect::Pipeline::Statement& statement = pipeline.statements.front();
  const Result result(
      PQexecPrepared(connection, Backend(*statement.prepared).statementName_.c_str(),
                     static_cast<int>(run.size()), run.data(), nullptr, nullptr,
                     statement.binary ? 1 : 0),
      PQclear);
  if (!Succeeded(result.get())) {
    if (SqlState(result.get()) != nullptr) *pipeline.refused = 0;
    throw FailedResult(result.get());
  }
  GiveRows(result.get(), 0, pipeline);
}

// Leaves the mode once there are no more results to come; else the connection is of no use.
class PipelineMode {
 public:
  explicit PipelineMode(PGconn* connection) : connection_(connection) {
    if (PQenterPipelineMode(connection) != 1) throw FailedResult(nullptr);
  }
  ~PipelineMode() { PQexitPipelineMode(connection_); }
  PipelineMode(const PipelineMode&) = delete;
  PipelineMode& operator=(const PipelineMode&) = delete;

 private:
  PGconn* const connection_;
};

}  // namespace

soci::postgresql_soci_error FailedResult(const PGresult* failed) {
  const char* state = SqlState(failed);
  return soci::postgresql_soci_error("failed", state == nullptr ? kConnectionFailure : state);
}

bool ReadsBinary(const PGresult* description) {
  for (int i = 0; i < PQnfields(description); ++i) {
    if (!IsKnown(PQftype(description, i))) return false;
  }
  return true;
}

void RunPostgresqlPipeline(PGconn* connection, const Dialect::Pipeline& pipeline) {
  std::vector<std::vector<const char*>> runs(pipeline.statements.size());
  for (size_t run = 0; run < runs.size(); ++run) {
    const std::vector<std::string>& names = Backend(*pipeline.statements[run].prepared).names_;
    runs[run].resize(names.size());
    pipeline.bind(run, names, absl::MakeSpan(runs[run]));
  }
  if (runs.size() == 1) return RunAlone(connection, pipeline, runs.front());
  std::optional<Result> failed;
  {
    const PipelineMode mode(connection);
    if (!Send(connection, pipeline, runs)) throw FailedResult(nullptr);
    failed = Receive(connection, pipeline);
  }
  if (failed.has_value()) throw FailedResult(failed->get());
}

}  // namespace alma::db
