#pragma once

#include <vector>

#include "common/db/database.h"

namespace alma::serve {

// Of the connections that a server has for ordinary roles, what a process may take without a
// warning: as long as a second one like it fits too, it can be replaced without a stop.
inline constexpr int kMaxPercentOfConnections = 50;

// Logs how many connections this process opens at most to each PostgreSQL server that `databases`
// are on, `per_database` for each of them, and how many that server has: `connections`, a warning
// beyond kMaxPercentOfConnections. The databases are monitored; says nothing of those that are not
// ready.
void LogConnections(const std::vector<db::Database*>& databases, int per_database);

}  // namespace alma::serve
