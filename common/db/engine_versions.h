#pragma once

#include <string>

namespace alma::db {

// The versions of SOCI, SQLite and libpq that this process runs with.
std::string EngineVersions();

}  // namespace alma::db
