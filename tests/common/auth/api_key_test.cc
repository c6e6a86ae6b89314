#include "common/auth/api_key.h"

#include <set>
#include <string>

#include "catch2/catch.hpp"

namespace alma::auth {
namespace {

constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Computed with Python's int, zlib.crc32 and hashlib.
const struct {
  std::string key;
  std::string sha256;
} kVectors[] = {
    // 32 zero bytes, 32 bytes of 0xff, 1, the bytes 0 to 31, SHA-256 of "alma", 2^255
    {"alma_0000000000000000000000000000000000000000000_1UeVrj",
     "a9c2da12c5e7e207dcfbe5a8a156dcf131ab033e86adb29df29e34516b6fde85"},
    {"alma_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1_4Zwlh9",
     "957f78db3c54375bae7f0ad06b02af9bec237c8ccb8abc0279b56f836068e722"},
    {"alma_0000000000000000000000000000000000000000001_0hqHP7",
     "59d7aa9b4aa183a1df0ad0ff389ed2eab73baf5d7a459ebb8717c1f0fa32e18c"},
    {"alma_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf_2HQk7L",
     "2ec193a35764364a3c82c2445c0446d01187d0780a57a700e8e5ee1c45eaf9c4"},
    {"alma_n9EYWXZUpikcP00pqFRsUB2jRGW6BponvzSBBtKnphq_24ft1H",
     "4c33a0473f4a29fe3b96927cdbf9d8eb95f3377bb071288d9e2b55dc70fe6a3b"},
    {"alma_ULrwNTJa3CHVaAVmO8lHlO4Afd3drtx651MXvhT4GuW_1tNQxt",
     "9a8d1f3cadec708ef55fa426cab79efea85bf0afa7ce3ad64296c652ad46bc41"},
};

TEST_CASE("keys made elsewhere are well formed and hash alike") {
  for (const auto& vector : kVectors) {
    INFO(vector.key);
    CHECK(IsWellFormedApiKey(vector.key));
    CHECK(Sha256Hex(vector.key) == vector.sha256);
    CHECK(ApiKeyPrefix(vector.key) == vector.key.substr(0, 12));
  }
}

TEST_CASE("raw and hex hashes are the same bytes") {
  const auto raw = Sha256("abc");
  CHECK(raw[0] == 0xba);
  CHECK(raw[31] == 0xad);
  CHECK(Sha256Hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("new keys have the form and differ") {
  std::set<std::string> keys;
  std::set<char> digits;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = NewApiKey();
    REQUIRE(key.size() == 55);
    REQUIRE(key.starts_with("alma_"));
    REQUIRE(key[48] == '_');
    REQUIRE(IsWellFormedApiKey(key));
    keys.insert(key);
    digits.insert(key.begin() + 6, key.begin() + 48);
  }
  CHECK(keys.size() == 1000);
  CHECK(digits == std::set<char>(kBase62.begin(), kBase62.end()));
}

TEST_CASE("a key with any one character changed is not well formed") {
  const std::string key = kVectors[4].key;
  for (std::size_t at = 0; at < key.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string changed = key;
      changed[at] = static_cast<char>(c);
      if (changed != key) REQUIRE_FALSE(IsWellFormedApiKey(changed));
    }
  }
}

TEST_CASE("other texts are not well formed") {
  const std::string key = kVectors[4].key;
  for (const std::string& text :
       {std::string(), std::string("alma_"), key.substr(0, 54), key + "0", " " + key, key + "\n",
        std::string("Bearer ") + key, "ALMA" + key.substr(4), std::string(55, '0')}) {
    CHECK_FALSE(IsWellFormedApiKey(text));
  }
}

TEST_CASE("numbers beyond 256 bits are not well formed though their checksum is right") {
  CHECK_FALSE(IsWellFormedApiKey("alma_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp2_1oWtFt"));
  CHECK_FALSE(IsWellFormedApiKey("alma_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz_0vlplO"));
}

}  // namespace
}  // namespace alma::auth
