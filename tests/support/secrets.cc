#include "tests/support/secrets.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "alma/auth/v1/principal.pb.h"

namespace alma::testing {
namespace {

constexpr std::string_view kKey = "alma_";
constexpr size_t kKeyCharacters = 43;
constexpr std::string_view kPrincipal = "alma-principal";
constexpr size_t kSignatureBytes = 32;
// What the signature takes alone.
constexpr size_t kMinPrincipalCharacters = 46;

bool InBase64(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/' || c == '-' ||
         c == '_';
}

std::string FindKey(std::string_view log) {
  for (size_t at = log.find(kKey); at != std::string_view::npos; at = log.find(kKey, at + 1)) {
    const std::string_view rest = log.substr(at + kKey.size(), kKeyCharacters);
    const bool whole = std::all_of(rest.begin(), rest.end(),
                                   [](unsigned char c) { return absl::ascii_isalnum(c); });
    if (whole && rest.size() == kKeyCharacters) {
      return std::string(log.substr(at, kKey.size() + kKeyCharacters));
    }
  }
  return {};
}

bool IsPrincipal(const std::string& base64) {
  std::string bytes;
  auth::v1::SignedPrincipal principal;
  return (absl::Base64Unescape(base64, &bytes) || absl::WebSafeBase64Unescape(base64, &bytes)) &&
         principal.ParseFromString(bytes) && principal.signature().size() == kSignatureBytes;
}

}  // namespace

std::string FindSecret(std::string_view log) {
  std::string key = FindKey(log);
  if (!key.empty()) return key;
  if (log.find(kPrincipal) != std::string_view::npos) return std::string(kPrincipal);
  for (auto from = log.begin(); from != log.end();) {
    from = std::find_if(from, log.end(), InBase64);
    const auto to = std::find_if_not(from, log.end(), InBase64);
    if (static_cast<size_t>(to - from) >= kMinPrincipalCharacters) {
      std::string word(from, to);
      if (IsPrincipal(word)) return word;
    }
    from = to;
  }
  return {};
}

}  // namespace alma::testing
