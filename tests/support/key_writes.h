#pragma once

#include <cstdint>
#include <string>

#include "common/db/database.h"

// How often last_used of keys is written, whoever does it.
namespace alma::testing {

// Counts in the database `organizations` from now on.
void CountKeyWrites(db::Database& database);

// How often that of this key has been written since.
int64_t KeyWrites(db::Database& database, const std::string& api_key_uuid);

}  // namespace alma::testing
