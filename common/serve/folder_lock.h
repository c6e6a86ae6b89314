#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace alma::serve {

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

}  // namespace alma::serve
