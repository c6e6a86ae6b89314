#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/db/database.h"
#include "common/serve/storage.h"

namespace alma::serve {

// The databases that a process serves.
class Databases {
 public:
  // Opens those of `storage`, which is locked, migrates each where --migrate says so, and watches
  // it from then on. INVALID_ARGUMENT for another --migrate or --write_lanes; statuses of
  // db::Migrate, with the name of the database.
  static absl::StatusOr<Databases> Open(const Storage& storage, int sessions);

  // Ends the process where `schema` is not one of the storage's.
  db::Database& operator[](const db::Schema& schema) const;

 private:
  std::map<std::string_view, std::unique_ptr<db::Database>> databases_;
};

}  // namespace alma::serve
