#pragma once

#include "common/db/schema.h"

namespace alma::agents {

// The database `agents`: who takes part in conversations.
const db::Schema& Schema();

}  // namespace alma::agents
