#pragma once

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>

#include "common/db/dialect.h"

namespace alma::db {

// What SOCI would throw for `failed`, without its text; a lost connection where it is null or says
// nothing.
soci::postgresql_soci_error FailedResult(const PGresult* failed);

// Dialect::ReadRow of this row of a result.
void ReadPostgresqlRow(const PGresult* result, int row, absl::Span<ColumnText> columns);

// Dialect::RunPipeline.
void RunPostgresqlPipeline(PGconn* connection, const Dialect::Pipeline& pipeline);

}  // namespace alma::db
