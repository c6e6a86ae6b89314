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

// Whether no migration of the database has ever been completed.
absl::StatusOr<bool> IsEmpty(Database& database);

// Brings the database to the last step of its schema in one transaction, and answers every step.
// With `dry_run` nothing changes. Two at once are safe, and a run that was cut short has changed
// nothing. UNAVAILABLE when the database cannot be reached; INTERNAL when a step fails.
absl::StatusOr<std::vector<StepState>> Migrate(Database& database, bool dry_run);

}  // namespace alma::db
