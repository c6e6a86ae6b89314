#include "common/file/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/cleanup/cleanup.h"

namespace alma::file {

absl::StatusOr<File> Read(const std::string& path, size_t max_bytes, const std::string& name) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, "cannot open " + name);
  const absl::Cleanup close_file = [descriptor] { close(descriptor); };
  struct stat properties;
  if (fstat(descriptor, &properties) != 0) {
    return absl::ErrnoToStatus(errno, "cannot look at " + name);
  }
  std::string content(max_bytes, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = read(descriptor, content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return absl::ErrnoToStatus(errno, "cannot read " + name);
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  if (size == content.size()) return absl::InvalidArgumentError(name + " is too long");
  content.resize(size);
  return File{content, properties.st_uid, properties.st_mode & 07777};
}

bool WriteAll(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    content.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

}  // namespace alma::file
