#pragma once

#include "common/db/schema.h"

namespace alma::conversations {

// The database `conversations`: conversations, who is and was on them, and their messages.
const db::Schema& Schema();

}  // namespace alma::conversations
