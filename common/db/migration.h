#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/database.h"

namespace alma::db {

struct StepState {
  Step step;
  bool applied = false;  // by this call or before
};

// Whether the database has never been migrated.
absl::StatusOr<bool> IsEmpty(Database& database);

// Brings the database to the last step of its schema, each step in a transaction of its own, and
// answers every step. With `dry_run` nothing changes. Two at once are safe, and a run that was cut
// short is finished by the next. UNAVAILABLE when the database cannot be reached; INTERNAL when a
// step fails.
absl::StatusOr<std::vector<StepState>> Migrate(Database& database, bool dry_run);

}  // namespace alma::db
