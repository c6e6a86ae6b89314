#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// API keys: "alma_", 32 random bytes as 43 base62 digits (0-9A-Za-z, big-endian, zero-padded), "_",
// the CRC-32 (IEEE) of all before that "_" as 6 base62 digits. The key itself is shown once and
// never stored, logged or put into an error.
namespace alma::auth {

// A new key from the system's random generator.
std::string NewApiKey();

// Whether `key` has the form above and its checksum is right. Needs no look-up: what fails here was
// never a key.
bool IsWellFormedApiKey(std::string_view key);

// SHA-256 of the whole key: raw as the look-up asks for it, and in lower-case hex as the column
// `apikey` holds it.
std::array<std::uint8_t, 32> Sha256(std::string_view key);
std::string Sha256Hex(std::string_view key);

// The first 12 characters, which may be shown: column `key_prefix`.
std::string ApiKeyPrefix(std::string_view key);

}  // namespace alma::auth
