#include "common/serve/secrets.h"

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"

ABSL_FLAG(std::string, principal_secret_file, "",
          "Secrets that sign principals and page tokens, one per line, hex or base64 of at least "
          "32 bytes: the first signs, all verify. Gateway and services share them. `alma serve` on "
          "SQLite makes <folder>/secret by default.");

namespace alma::serve {

absl::StatusOr<auth::Secrets> LoadSecrets() {
  const std::string file = absl::GetFlag(FLAGS_principal_secret_file);
  if (file.empty()) return absl::InvalidArgumentError("--principal_secret_file is required");
  return auth::LoadSecretFile(file);
}

absl::StatusOr<auth::Secrets> LoadOrCreateSecrets(const std::string& folder) {
  if (!absl::GetFlag(FLAGS_principal_secret_file).empty()) return LoadSecrets();
  return auth::LoadOrCreateSecretFile(absl::StrCat(folder, "/secret"));
}

}  // namespace alma::serve
