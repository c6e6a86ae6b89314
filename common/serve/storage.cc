#include "common/serve/storage.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/db/location.h"
#include "common/status/macros.h"

ABSL_FLAG(std::string, data_dir, "",
          "Folder of the SQLite files; $ALMA_HOME/data or else ./alma-data by default.");
ABSL_FLAG(std::string, database, "",
          "Where the databases are: sqlite:///folder/ or postgresql://…, one schema for each "
          "there. A process with one database takes sqlite:///folder/file.db too.");
ABSL_FLAG(std::string, database_file, "",
          "File that holds the value of --database, so that no password is an argument.");

namespace alma::serve {
namespace {

constexpr std::string_view kSqlite = "sqlite://";

// The value of --<name>_database.
std::string OwnUrl(std::string_view name) {
  const absl::CommandLineFlag* flag =
      absl::FindCommandLineFlag(absl::StrCat(std::string(name), "_database"));
  return flag == nullptr ? "" : flag->CurrentValue();
}

std::string DefaultDataDir() {
  const char* home = std::getenv("ALMA_HOME");
  return home == nullptr || *home == '\0' ? "alma-data" : absl::StrCat(home, "/data");
}

absl::StatusOr<std::string> ReadDatabaseFile(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  // A location is one line. One that is missing must not lead to the default folder and an empty
  // store.
  if (std::filesystem::is_directory(path) || !std::getline(file, text)) {
    return absl::InvalidArgumentError(absl::StrCat("--database_file: no location in ", path));
  }
  absl::StripAsciiWhitespace(&text);
  if (text.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--database_file: no location in ", path));
  }
  return text;
}

}  // namespace

absl::StatusOr<Storage> Storage::FromFlags(Schemas schemas) {
  Storage storage(std::move(schemas));
  storage.url_ = absl::GetFlag(FLAGS_database);
  const std::string file = absl::GetFlag(FLAGS_database_file);
  const std::string data_dir = absl::GetFlag(FLAGS_data_dir);
  const int given = int{!storage.url_.empty()} + int{!file.empty()} + int{!data_dir.empty()};
  if (given > 1) {
    return absl::InvalidArgumentError("give one of --data_dir, --database and --database_file");
  }
  if (!file.empty()) {
    ASSIGN_OR_RETURN(storage.url_, ReadDatabaseFile(file));
  }
  const bool is_file = storage.url_.ends_with(".db");
  if (storage.url_.empty()) {
    std::error_code error;
    storage.folder_ =
        std::filesystem::absolute(data_dir.empty() ? DefaultDataDir() : data_dir, error);
    storage.url_ = std::string(kSqlite).append(storage.folder_).append("/");
  } else if (storage.url_.starts_with(kSqlite) && !is_file) {
    storage.folder_ = storage.url_.substr(kSqlite.size());
  } else if (storage.url_.starts_with(kSqlite) && storage.schemas_.size() > 1) {
    return absl::InvalidArgumentError(
        "--database: this process has several databases; name a folder, sqlite:///folder/");
  }
  for (const db::Schema* schema : storage.schemas_) {
    RETURN_IF_ERROR(storage.Open(*schema, 0).status());
  }
  return storage;
}

absl::StatusOr<std::unique_ptr<db::Database>> Storage::Open(const db::Schema& schema, int sessions,
                                                            int lanes) const {
  const std::string own = OwnUrl(schema.database);
  ASSIGN_OR_RETURN(db::Location location,
                   db::ParseLocation(own.empty() ? url_ : own, schema.database));
  return std::make_unique<db::Database>(std::move(location), schema, sessions, lanes);
}

absl::StatusOr<std::vector<std::unique_ptr<FolderLock>>> Storage::Lock() const {
  std::set<std::string> folders;
  for (const db::Schema* schema : schemas_) {
    ASSIGN_OR_RETURN(const auto database, Open(*schema, 0));
    if (database->location().engine != db::Engine::kSqlite) continue;
    folders.insert(
        std::filesystem::path(database->location().target).parent_path().lexically_normal());
  }
  std::vector<std::unique_ptr<FolderLock>> locks;
  for (const std::string& folder : folders) {
    ASSIGN_OR_RETURN(locks.emplace_back(), FolderLock::Take(folder));
  }
  return locks;
}

}  // namespace alma::serve
