#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace alma::file {

struct File {
  std::string content;
  uid_t owner;
  // The permissions, as chmod takes them.
  mode_t mode;
};

// Reads a file of less than `max_bytes`. absl::ErrnoToStatus where it cannot be opened or read,
// INVALID_ARGUMENT where it is too long. `name` is what the error's text calls the file, for
// example "secret file " and the path.
absl::StatusOr<File> Read(const std::string& path, size_t max_bytes, const std::string& name);

// Writes all of `content` at the place where `descriptor` stands; false, with errno, where that
// fails.
bool WriteAll(int descriptor, std::string_view content);

}  // namespace alma::file
