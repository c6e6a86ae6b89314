#include "common/auth/api_key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "common/id/random.h"

namespace alma::auth {
namespace {

// In ASCII order, so that numbers of one width compare as their texts do.
constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kStart = "alma_";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretDigits = 43;
constexpr std::size_t kChecksumDigits = 6;
constexpr std::size_t kSignedSize = kStart.size() + kSecretDigits;
constexpr std::size_t kKeySize = kSignedSize + 1 + kChecksumDigits;
constexpr std::size_t kPrefixSize = 12;

// 2^256 - 1.
constexpr std::string_view kGreatestSecret = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

bool IsDigit(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

using Number = std::array<std::uint8_t, kSecretBytes>;  // big-endian

std::string Base62(Number number) {
  std::string digits(kSecretDigits, kAlphabet[0]);
  for (std::size_t i = kSecretDigits; i-- > 0;) {
    unsigned remainder = 0;
    for (std::uint8_t& byte : number) {
      const unsigned dividend = remainder << 8 | byte;
      byte = static_cast<std::uint8_t>(dividend / 62);
      remainder = dividend % 62;
    }
    digits[i] = kAlphabet[remainder];
  }
  return digits;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  constexpr std::uint32_t kPolynomial = 0xEDB88320;  // IEEE 802.3, reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}();

std::string Checksum(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ crc >> 8;
  }
  crc = ~crc;
  std::string digits(kChecksumDigits, kAlphabet[0]);
  for (std::size_t i = kChecksumDigits; i-- > 0; crc /= 62) digits[i] = kAlphabet[crc % 62];
  return digits;
}

}  // namespace

std::string NewApiKey() {
  Number secret;
  id::FillRandom(secret.data(), secret.size());
  std::string key(kStart);
  key += Base62(secret);
  const std::string checksum = Checksum(key);
  return key + '_' + checksum;
}

bool IsWellFormedApiKey(std::string_view key) {
  if (key.size() != kKeySize || !key.starts_with(kStart) || key[kSignedSize] != '_') return false;
  const std::string_view secret = key.substr(kStart.size(), kSecretDigits);
  return std::all_of(secret.begin(), secret.end(), IsDigit) && secret <= kGreatestSecret &&
         key.substr(kSignedSize + 1) == Checksum(key.substr(0, kSignedSize));
}

std::array<std::uint8_t, 32> Sha256(std::string_view key) {
  // SHA256() would look the algorithm up for each key.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<std::uint8_t, 32> digest;
  if (EVP_Digest(key.data(), key.size(), digest.data(), nullptr, kSha256, nullptr) != 1) {
    std::abort();
  }
  return digest;
}

std::string Sha256Hex(std::string_view key) {
  const std::array<std::uint8_t, 32> digest = Sha256(key);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string ApiKeyPrefix(std::string_view key) { return std::string(key.substr(0, kPrefixSize)); }

}  // namespace alma::auth
