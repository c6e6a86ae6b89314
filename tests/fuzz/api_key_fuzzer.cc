#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "common/auth/api_key.h"
#include "common/auth/authenticator.h"
#include "common/rpc/caller.h"
#include "common/status/status.h"
#include "tests/fuzz/require.h"

// An input is metadata as text, `name: value` a line.
namespace alma::fuzz {
namespace {

constexpr char kKey[] = "alma_0000000000000000000000000000000000000000001_0hqHP7";
constexpr char kOrganization[] = "0190f5fe-0000-7000-8000-0000000000aa";

// The key store, which knows kKey alone.
absl::StatusOr<organizations::v1::VerifyApiKeyResponse> Verify(const std::string& secret_sha256,
                                                               absl::Time) {
  const auto known = auth::Sha256(kKey);
  if (secret_sha256 != std::string(known.begin(), known.end())) return status::NotFound("API key");
  organizations::v1::VerifyApiKeyResponse response;
  response.set_organization_uuid(kOrganization);
  return response;
}

using Lines = std::vector<std::pair<std::string, std::string>>;

Lines ReadLines(std::string_view input) {
  Lines lines;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    const size_t colon = std::min(line.find(": "), line.size());
    lines.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
  }
  return lines;
}

// Whether these lines let anybody in, by the rules as api.md has them.
bool HoldsTheKey(const Lines& lines) {
  int keys = 0;
  bool known = false;
  for (const auto& [name, value] : lines) {
    if (name == "x-api-key") {
      ++keys;
      known = value == kKey;
    } else if (name == "authorization") {
      ++keys;
      known = value.size() > 7 && absl::EqualsIgnoreCase(value.substr(0, 7), "bearer ") &&
              value.substr(7) == kKey;
    }
  }
  return keys == 1 && known;
}

void CheckForm(std::string_view text) {
  if (!auth::IsWellFormedApiKey(text)) return;
  Require(text.size() == 55 && text.substr(0, 5) == "alma_", "the form of a key");
  Require(auth::ApiKeyPrefix(text) == text.substr(0, 12), "the prefix of a key");
}

void CheckCaller(const Lines& lines) {
  auth::Authenticator authenticator(Verify);
  rpc::ApiKeyCallers callers(authenticator);
  rpc::Metadata metadata;
  for (const auto& [name, value] : lines) metadata.emplace(name, value);

  const auto caller = callers.Resolve(metadata, absl::InfiniteFuture());
  Require(caller.ok() == HoldsTheKey(lines), "who is let in");
  if (caller.ok()) {
    Require((*caller)->organization_uuid() == kOrganization, "the caller's organization");
  } else {
    Require(caller.status() == status::ApiKeyInvalid(), "one text for every refusal");
  }
  const auto remembered = callers.TryResolve(metadata);
  if (remembered.has_value()) {
    Require(remembered->status() == caller.status(), "what is remembered of an answer");
  }
}

}  // namespace
}  // namespace alma::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto lines = alma::fuzz::ReadLines(input);
  alma::fuzz::CheckForm(input);
  for (const auto& [name, value] : lines) alma::fuzz::CheckForm(value);
  alma::fuzz::CheckCaller(lines);
  return 0;
}
