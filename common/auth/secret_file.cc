#include "common/auth/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "common/file/file.h"
#include "common/id/random.h"
#include "common/status/macros.h"

namespace alma::auth {
namespace {

constexpr std::size_t kMinSecretBytes = 32;
constexpr std::size_t kMaxFileBytes = 64 * 1024;

absl::Status FileError(const std::string& path, std::string_view what) {
  return absl::ErrnoToStatus(errno, std::string(what) + " secret file " + path);
}

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path) {
  ASSIGN_OR_RETURN(file::File read, file::Read(path, kMaxFileBytes, "secret file " + path));
  if ((read.mode & 077) != 0) {
    return absl::PermissionDeniedError("others may use the secret file " + path + ": chmod 600 it");
  }
  return std::move(read.content);
}

// "" for a line that is neither hex nor base64.
std::string DecodeSecret(absl::string_view line) {
  bool hex = line.size() % 2 == 0;
  for (const char c : line) hex = hex && absl::ascii_isxdigit(static_cast<unsigned char>(c));
  if (hex) return absl::HexStringToBytes(line);
  std::string secret;
  // The decoder would skip white space and read two secrets as one.
  const bool one_word = line.find_first_of(" \t") == absl::string_view::npos;
  return one_word && absl::Base64Unescape(line, &secret) ? secret : std::string();
}

absl::Status WriteSecret(int file, std::string_view line, const std::string& path) {
  return file::WriteAll(file, line) && fsync(file) == 0 ? absl::OkStatus()
                                                        : FileError(path, "cannot write");
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return FileError(path, "cannot open the folder of");
  const absl::Cleanup close_file = [file] { close(file); };
  return fsync(file) == 0 ? absl::OkStatus() : FileError(path, "cannot sync the folder of");
}

// A whole file appears under `path` at once, or another process' file stays there.
absl::Status CreateSecretFile(const std::string& path) {
  std::array<char, kMinSecretBytes> secret;
  id::FillRandom(secret.data(), secret.size());
  const std::string line = absl::BytesToHexString({secret.data(), secret.size()}) + '\n';
  std::string draft = path + ".XXXXXX";
  const int file = mkostemp(draft.data(), O_CLOEXEC);  // makes it with mode 0600
  if (file < 0) return FileError(path, "cannot create");
  const absl::Cleanup remove_draft = [file, &draft] {
    close(file);
    unlink(draft.c_str());
  };
  RETURN_IF_ERROR(WriteSecret(file, line, path));
  if (link(draft.c_str(), path.c_str()) != 0 && errno != EEXIST) {
    return FileError(path, "cannot create");
  }
  return SyncFolderOf(path);
}

}  // namespace

absl::StatusOr<Secrets> LoadSecretFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content, ReadPrivateFile(path));
  Secrets secrets;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(content, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    std::string secret = DecodeSecret(line);
    if (secret.size() < kMinSecretBytes) {
      return absl::InvalidArgumentError(path + " line " + std::to_string(line_number) +
                                        ": not hex or base64 of at least 32 bytes");
    }
    secrets.secrets.push_back(std::move(secret));
  }
  if (secrets.secrets.empty()) return absl::InvalidArgumentError(path + " holds no secret");
  return secrets;
}

absl::StatusOr<Secrets> LoadOrCreateSecretFile(const std::string& path) {
  absl::StatusOr<Secrets> secrets = LoadSecretFile(path);
  if (!absl::IsNotFound(secrets.status())) return secrets;
  RETURN_IF_ERROR(CreateSecretFile(path));
  return LoadSecretFile(path);
}

}  // namespace alma::auth
