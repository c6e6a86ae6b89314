#include "common/rpc/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/file/file.h"

namespace alma::rpc {
namespace {

absl::Status LastError() { return absl::ErrnoToStatus(errno, "a file in memory"); }

absl::Status Write(int file, std::string_view content, int64_t seconds) {
  const std::array<timespec, 2> times = {timespec{seconds, 0}, timespec{seconds, 0}};
  const bool done = file::WriteAll(file, content) && futimens(file, times.data()) == 0;
  return done ? absl::OkStatus() : LastError();
}

}  // namespace

absl::Status MemoryFile::Replace(std::string_view content) {
  const int file = memfd_create("alma", MFD_CLOEXEC);
  if (file < 0) return LastError();
  absl::Status written = Write(file, content, ++replacements_);
  if (written.ok() && descriptor_ < 0) {
    descriptor_ = file;
    path_ = absl::StrCat("/proc/self/fd/", descriptor_);
    return absl::OkStatus();
  }
  if (written.ok() && dup3(file, descriptor_, O_CLOEXEC) < 0) written = LastError();
  close(file);
  return written;
}

}  // namespace alma::rpc
