#include "services/alma/storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/conversations/schema.h"
#include "services/organizations/schema.h"

ABSL_FLAG(std::string, data_dir, "",
          "Folder of the SQLite files; $ALMA_HOME/data or else ./alma-data by default.");
ABSL_FLAG(
    std::string, database, "",
    "Where all databases are: sqlite:///folder/ or postgresql://…, one schema for each there.");
ABSL_FLAG(std::string, database_file, "",
          "File that holds the value of --database, so that no password is an argument.");
ABSL_FLAG(std::string, organizations_database, "", "Another place for this database alone.");
ABSL_FLAG(std::string, conversations_database, "", "Another place for this database alone.");

namespace alma {
namespace {

constexpr std::string_view kSqlite = "sqlite://";

// Keyed by the name of the database.
std::string OwnUrl(std::string_view database) {
  static const std::map<std::string_view, const absl::Flag<std::string>*> flags = {
      {"organizations", &FLAGS_organizations_database},
      {"conversations", &FLAGS_conversations_database},
  };
  const auto flag = flags.find(database);
  return flag == flags.end() ? "" : absl::GetFlag(*flag->second);
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

absl::StatusOr<std::unique_ptr<FolderLock>> FolderLock::Take(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  const std::string path = absl::StrCat(folder, "/lock");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return absl::UnavailableError(absl::StrCat("cannot write in ", folder));
  auto lock = std::unique_ptr<FolderLock>(new FolderLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " is in use by another alma process"));
  }
  return lock;
}

FolderLock::~FolderLock() { close(file_); }

absl::StatusOr<Storage> Storage::FromFlags() {
  Storage storage;
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
  if (storage.url_.empty()) {
    std::error_code error;
    storage.folder_ =
        std::filesystem::absolute(data_dir.empty() ? DefaultDataDir() : data_dir, error);
    storage.url_ = std::string(kSqlite).append(storage.folder_).append("/");
  } else if (storage.url_.starts_with(kSqlite)) {
    if (storage.url_.ends_with(".db")) {
      return absl::InvalidArgumentError(
          "--database: alma has several databases; name a folder, sqlite:///folder/");
    }
    storage.folder_ = storage.url_.substr(kSqlite.size());
  }
  for (const db::Schema* schema : AllSchemas()) {
    RETURN_IF_ERROR(storage.Open(*schema, 0).status());
  }
  return storage;
}

absl::StatusOr<std::unique_ptr<db::Database>> Storage::Open(const db::Schema& schema,
                                                            int sessions) const {
  const std::string own = OwnUrl(schema.database);
  ASSIGN_OR_RETURN(db::Location location,
                   db::ParseLocation(own.empty() ? url_ : own, schema.database));
  return std::make_unique<db::Database>(std::move(location), schema, sessions);
}

absl::StatusOr<std::vector<std::unique_ptr<FolderLock>>> Storage::Lock() const {
  std::set<std::string> folders;
  for (const db::Schema* schema : AllSchemas()) {
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

const std::vector<const db::Schema*>& AllSchemas() {
  static const std::vector<const db::Schema*> schemas = {&organizations::Schema(),
                                                         &conversations::Schema()};
  return schemas;
}

absl::StatusOr<std::vector<const db::Schema*>> SchemasOf(std::string_view service) {
  if (service.empty()) return AllSchemas();
  static const std::map<std::string_view, std::vector<const db::Schema*>> services = {
      {"organizations", {&organizations::Schema()}},
      {"conversations", {&conversations::Schema()}},
      {"agents", {}},
      {"analytics", {}},
  };
  const auto found = services.find(service);
  if (found == services.end()) {
    return absl::InvalidArgumentError(
        "--service: one of organizations, conversations, agents, analytics");
  }
  return found->second;
}

}  // namespace alma
