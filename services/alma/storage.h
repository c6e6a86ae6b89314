#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/database.h"
#include "common/db/location.h"

namespace alma {

// An exclusive hold on a folder of SQLite files, kept until destruction or the end of the process.
class FolderLock {
 public:
  // Makes the folder (0700) where it is missing. FAILED_PRECONDITION when another process holds it,
  // UNAVAILABLE when it cannot be written.
  static absl::StatusOr<std::unique_ptr<FolderLock>> Take(const std::string& folder);
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}
  const int file_;
};

// Where the databases are, from --data_dir, --database, --database_file and --<name>_database.
class Storage {
 public:
  // INVALID_ARGUMENT for flags that contradict each other or a location that is none.
  static absl::StatusOr<Storage> FromFlags();

  // The database of `schema`, not connected yet.
  absl::StatusOr<std::unique_ptr<db::Database>> Open(const db::Schema& schema, int sessions) const;

  // Locks the folders of all SQLite files, for commands that write. See FolderLock::Take.
  absl::StatusOr<std::vector<std::unique_ptr<FolderLock>>> Lock() const;

  // The folder that --data_dir names, or the one of a sqlite:// --database; empty on PostgreSQL.
  const std::string& folder() const { return folder_; }

 private:
  std::string url_;
  std::string folder_;
};

// The schemas of every database of Alma, in the order in which they are migrated.
const std::vector<const db::Schema*>& AllSchemas();

// AllSchemas, or with --service those of that service. INVALID_ARGUMENT when there is no such
// service.
absl::StatusOr<std::vector<const db::Schema*>> SchemasOf(std::string_view service);

}  // namespace alma
