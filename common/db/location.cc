#include "common/db/location.h"

#include <libpq-fe.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace alma::db {
namespace {

absl::StatusOr<Location> ParseSqlite(std::string_view path, std::string_view name) {
  if (!path.starts_with('/')) {
    return absl::InvalidArgumentError("a sqlite:// database needs an absolute path");
  }
  // SOCI takes the path between double quotes and knows no escape for one.
  if (path.find('"') != std::string_view::npos) {
    return absl::InvalidArgumentError("a sqlite:// path cannot hold a double quote");
  }
  Location location{.engine = Engine::kSqlite, .target = std::string(path), .schema = {}};
  if (!path.ends_with(".db")) {
    if (!path.ends_with('/')) location.target += '/';
    location.target.append(name).append(".db");
  }
  return location;
}

absl::StatusOr<Location> ParsePostgresql(std::string_view url, std::string_view name) {
  // SOCI cuts connection strings apart at '=', which a URI does not survive; libpq's own parser
  // turns it into key and value pairs.
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(std::string(url).c_str(), &error), PQconninfoFree);
  if (error != nullptr) PQfreemem(error);
  if (options == nullptr) return absl::InvalidArgumentError("not a valid postgresql:// URL");
  Location location{.engine = Engine::kPostgresql, .target = {}, .schema = std::string(name)};
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') continue;
    absl::StrAppend(&location.target, option->keyword, "='",
                    absl::StrReplaceAll(option->val, {{"\\", "\\\\"}, {"'", "\\'"}}), "' ");
  }
  return location;
}

}  // namespace

absl::StatusOr<Location> ParseLocation(std::string_view url, std::string_view name) {
  constexpr std::string_view kSqlite = "sqlite://";
  if (url.starts_with(kSqlite)) return ParseSqlite(url.substr(kSqlite.size()), name);
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    return ParsePostgresql(url, name);
  }
  return absl::InvalidArgumentError("a database is sqlite:///folder/ or postgresql://…");
}

}  // namespace alma::db
