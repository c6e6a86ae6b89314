#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace alma::auth {

// Secrets that gateway and services share, raw bytes, each at least 32 long. The first signs, all
// verify, so that a secret is rotated by adding the new one at the end everywhere, then moving it
// to the front. Never empty when it came from a function of this header.
struct Secrets {
  std::vector<std::string> secrets;
};

// Reads one secret per line, in hex or in base64 (a line that is hex is read as hex); blank lines
// do not count. Errors are for the operator, never for a client, and never hold a secret:
//   absl NotFound             the file does not exist
//   absl PermissionDenied     group or others have any permission on it (mode & 077), or we have
//   none absl InvalidArgument      no secret, a line that is neither, or fewer than 32 bytes as
//   absl::ErrnoToStatus    it cannot be opened or read
absl::StatusOr<Secrets> LoadSecretFile(const std::string& path);

// LoadSecretFile; where there is no file, makes one with a fresh secret first, mode 0600. Processes
// that do so at once all get the same secret, and a crash leaves either no file or a whole one. The
// folder must exist.
absl::StatusOr<Secrets> LoadOrCreateSecretFile(const std::string& path);

}  // namespace alma::auth
