#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/db/database.h"
#include "common/serve/folder_lock.h"

namespace alma::serve {

// The databases of a service, or of all, in the order in which they are migrated.
using Schemas = std::vector<const db::Schema*>;

// Where the databases of a process are, from --data_dir, --database and --database_file, and for
// each one alone from --<its name>_database, which the folder of its service defines.
class Storage {
 public:
  // INVALID_ARGUMENT for flags that contradict each other or a location that is none.
  static absl::StatusOr<Storage> FromFlags(Schemas schemas);

  const Schemas& schemas() const { return schemas_; }

  // The database of `schema`, not connected yet.
  absl::StatusOr<std::unique_ptr<db::Database>> Open(const db::Schema& schema, int sessions,
                                                     int lanes = 1) const;

  // Locks the folders of all SQLite files, for whoever writes. See FolderLock::Take.
  absl::StatusOr<std::vector<std::unique_ptr<FolderLock>>> Lock() const;

  // The folder that --data_dir names, or the one of a sqlite:// --database; empty where --database
  // names something else.
  const std::string& folder() const { return folder_; }

 private:
  explicit Storage(Schemas schemas) : schemas_(std::move(schemas)) {}

  Schemas schemas_;
  std::string url_;
  std::string folder_;
};

}  // namespace alma::serve
