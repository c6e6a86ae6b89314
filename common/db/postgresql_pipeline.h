#pragma once

#include <libpq-fe.h>
#include <soci/postgresql/soci-postgresql.h>

#include "common/db/dialect.h"

namespace alma::db {

// What SOCI would throw for `failed`, without its text; a lost connection where it is null or says
// nothing.
soci::postgresql_soci_error FailedResult(const PGresult* failed);

// Dialect::Answer::binary, of a description.
bool ReadsBinary(const PGresult* description);

// Dialect::RunPipeline. Where there is one run, others may begin while its rows are given.
void RunPostgresqlPipeline(PGconn* connection, const Dialect::Pipeline& pipeline);

}  // namespace alma::db
