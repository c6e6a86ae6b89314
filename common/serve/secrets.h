#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/auth/secret_file.h"

namespace alma::serve {

// The secrets of --principal_secret_file. INVALID_ARGUMENT where the flag is not given; else see
// auth::LoadSecretFile.
absl::StatusOr<auth::Secrets> LoadSecrets();

// The same; where the flag is not given, those of the file `secret` in `folder`, made when it is
// missing.
absl::StatusOr<auth::Secrets> LoadOrCreateSecrets(const std::string& folder);

}  // namespace alma::serve
