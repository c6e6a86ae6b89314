#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace alma::db {

enum class Engine { kSqlite, kPostgresql };

// Where one database of the seed (organizations, conversations, …) lives.
struct Location {
  Engine engine = Engine::kSqlite;
  // SQLite: path of the file. PostgreSQL: libpq's "key='value' …" connection string.
  std::string target;
  // PostgreSQL: the schema that holds the tables; the name of the seed's database.
  std::string schema;
};

// Reads the value of --database for the database called `name`:
//   sqlite:///folder/        the file /folder/<name>.db
//   sqlite:///folder/x.db    that file
//   postgresql://…           (or postgres://) every form that libpq takes; the schema is `name`
// INVALID_ARGUMENT says what is wrong and never repeats the value, which may hold a password.
absl::StatusOr<Location> ParseLocation(std::string_view url, std::string_view name);

}  // namespace alma::db
