#pragma once

#include "common/db/schema.h"

namespace alma::organizations {

// The database `organizations`: organizations, their API keys, and the counters of both.
const db::Schema& Schema();

}  // namespace alma::organizations
