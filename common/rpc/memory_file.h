#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace alma::rpc {

// A file in the memory of this process, for a library that reads files; no other process can open
// it unless that may debug this one. It outlives this object: such a library may look once more.
// Not thread-safe, but for those who read the path.
class MemoryFile {
 public:
  MemoryFile() = default;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // Puts a new file in the place of the one that is there, at once: whoever opens the path finds
  // either. Its time of modification is later, in whole seconds, than that of all before.
  // absl::ErrnoToStatus where the system has no file descriptor or memory left.
  absl::Status Replace(std::string_view content);

  // Empty before the first Replace, from then on always the same.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t replacements_ = 0;
};

}  // namespace alma::rpc
