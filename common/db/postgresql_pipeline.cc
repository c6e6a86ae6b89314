#include "common/db/postgresql_pipeline.h"

#include <memory>
#include <optional>

namespace alma::db {
namespace {

constexpr char kConnectionFailure[] = "08006";

using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

Result NextResult(PGconn* connection) { return Result(PQgetResult(connection), PQclear); }

bool Succeeded(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

// Sends every run and then what makes the server answer them. False when the connection is gone.
bool Send(PGconn* connection, const std::string& statement,
          const std::vector<std::vector<const char*>>& runs) {
  for (const std::vector<const char*>& values : runs) {
    if (PQsendQueryPrepared(connection, statement.c_str(), static_cast<int>(values.size()),
                            values.data(), nullptr, nullptr, /*resultFormat=*/0) != 1) {
      return false;
    }
  }
  return PQpipelineSync(connection) == 1;
}

// The result of each run, as far as there are any. Those behind one that failed are skipped by the
// server, and say so.
void Receive(PGconn* connection, std::vector<Result>& results) {
  for (Result& result : results) {
    result = NextResult(connection);
    if (result == nullptr) break;
    while (NextResult(connection) != nullptr) {
    }
  }
  // That of the synchronization.
  NextResult(connection);
}

void GiveRows(const PGresult* result, size_t run, const Dialect::Pipeline& pipeline) {
  std::vector<ColumnText> columns(PQnfields(result));
  for (int row = 0; row < PQntuples(result); ++row) {
    ReadPostgresqlRow(result, row, absl::MakeSpan(columns));
    pipeline.on_row(run, columns);
  }
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
  const char* state = failed == nullptr ? nullptr : PQresultErrorField(failed, PG_DIAG_SQLSTATE);
  return soci::postgresql_soci_error("failed", state == nullptr ? kConnectionFailure : state);
}

void ReadPostgresqlRow(const PGresult* result, int row, absl::Span<ColumnText> columns) {
  for (int i = 0; i < static_cast<int>(columns.size()); ++i) {
    if (PQgetisnull(result, row, i) == 1) {
      columns[i] = std::nullopt;
    } else {
      columns[i] = std::string_view(PQgetvalue(result, row, i),
                                    static_cast<size_t>(PQgetlength(result, row, i)));
    }
  }
}

void RunPostgresqlPipeline(PGconn* connection, const std::string& statement,
                           const std::vector<std::string>& names,
                           const Dialect::Pipeline& pipeline) {
  std::vector<std::vector<const char*>> runs(pipeline.runs, std::vector<const char*>(names.size()));
  for (size_t run = 0; run < runs.size(); ++run) {
    pipeline.bind(run, names, absl::MakeSpan(runs[run]));
  }
  // Before anything is sent: whatever is thrown while results are due leaves the mode in force.
  std::vector<Result> results;
  results.reserve(runs.size());
  while (results.size() < runs.size()) results.emplace_back(nullptr, PQclear);
  {
    const PipelineMode mode(connection);
    if (!Send(connection, statement, runs)) throw FailedResult(nullptr);
    Receive(connection, results);
  }
  for (const Result& result : results) {
    if (!Succeeded(result.get())) throw FailedResult(result.get());
  }
  for (size_t run = 0; run < pipeline.runs; ++run) GiveRows(results[run].get(), run, pipeline);
}

}  // namespace alma::db
