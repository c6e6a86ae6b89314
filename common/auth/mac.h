#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/auth/secret_file.h"

namespace alma::auth {

using Mac = std::array<std::uint8_t, 32>;

// 32 bytes by HKDF-SHA-256 (RFC 5869) without salt, `label` as info: one secret serves several
// purposes, none of which can forge for another.
std::string DeriveKey(std::string_view secret, std::string_view label);

// HMAC-SHA-256 for one purpose under every secret. Derives its keys once; copyable, and thread-safe
// after construction.
class MacKeys {
 public:
  // `secrets` must not be empty.
  MacKeys(const Secrets& secrets, std::string_view label);

  // Under the first secret.
  Mac Sign(std::string_view data) const;

  // Whether `mac`, a whole MAC or its first `mac.size()` >= 16 bytes, fits `data` under any secret.
  // In constant time.
  bool Verify(std::string_view data, std::string_view mac) const;

 private:
  std::vector<std::string> keys_;
};

}  // namespace alma::auth
