#include "common/db/postgresql_pipeline.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

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

const soci::postgresql_statement_backend& Backend(soci::statement& statement) {
  return *static_cast<const soci::postgresql_statement_backend*>(statement.get_backend());
}

// Sends every run and then what makes the server answer them. False when the connection is gone.
bool Send(PGconn* connection, const Dialect::Pipeline& pipeline,
          const std::vector<std::vector<const char*>>& runs) {
  for (size_t run = 0; run < runs.size(); ++run) {
    const std::string& statement = Backend(*pipeline.statements[run]).statementName_;
    if (PQsendQueryPrepared(connection, statement.c_str(), static_cast<int>(runs[run].size()),
                            runs[run].data(), nullptr, nullptr, /*resultFormat=*/0) != 1) {
      return false;
    }
  }
  return PQpipelineSync(connection) == 1;
}

void GiveRows(const PGresult* result, size_t run, const Dialect::Pipeline& pipeline) {
  std::vector<ColumnText> columns(PQnfields(result));
  for (int row = 0; row < PQntuples(result); ++row) {
    ReadPostgresqlRow(result, row, absl::MakeSpan(columns));
    pipeline.on_row(run, columns);
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

void RunPostgresqlPipeline(PGconn* connection, const Dialect::Pipeline& pipeline) {
  std::vector<std::vector<const char*>> runs(pipeline.statements.size());
  for (size_t run = 0; run < runs.size(); ++run) {
    const std::vector<std::string>& names = Backend(*pipeline.statements[run]).names_;
    runs[run].resize(names.size());
    pipeline.bind(run, names, absl::MakeSpan(runs[run]));
  }
  std::optional<Result> failed;
  {
    const PipelineMode mode(connection);
    if (!Send(connection, pipeline, runs)) throw FailedResult(nullptr);
    failed = Receive(connection, pipeline);
  }
  if (failed.has_value()) throw FailedResult(failed->get());
}

}  // namespace alma::db
