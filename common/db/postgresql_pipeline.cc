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
  for (size_t run = 0; run < pipeline.runs; ++run) {
    Result result = NextResult(connection);
    const bool ended = result == nullptr;
    if (!failed.has_value()) {
      if (Succeeded(result.get())) {
        GiveRows(result.get(), run, pipeline);
      } else {
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
  std::optional<Result> failed;
  {
    const PipelineMode mode(connection);
    if (!Send(connection, statement, runs)) throw FailedResult(nullptr);
    failed = Receive(connection, pipeline);
  }
  if (failed.has_value()) throw FailedResult(failed->get());
}

}  // namespace alma::db
