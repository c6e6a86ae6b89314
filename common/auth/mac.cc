#include "common/auth/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace alma::auth {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kShortestMac = 16;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Mac Hmac(std::string_view key, std::string_view data) {
  Mac mac;
  // Fails for want of memory only.
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Bytes(data), data.size(),
           mac.data(), nullptr) == nullptr) {
    std::abort();
  }
  return mac;
}

}  // namespace

std::string DeriveKey(std::string_view secret, std::string_view label) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
  char digest[] = "SHA256";
  // OpenSSL's parameters are not const, though it only reads them.
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(label.data()),
                                        label.size()),
      OSSL_PARAM_construct_end()};
  std::string key(kKeyBytes, '\0');
  if (EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(key.data()), key.size(),
                     parameters) != 1) {
    std::abort();
  }
  return key;
}

MacKeys::MacKeys(const Secrets& secrets, std::string_view label) {
  for (const std::string& secret : secrets.secrets) keys_.push_back(DeriveKey(secret, label));
}

Mac MacKeys::Sign(std::string_view data) const { return Hmac(keys_.front(), data); }

bool MacKeys::Verify(std::string_view data, std::string_view mac) const {
  if (mac.size() < kShortestMac || mac.size() > Mac().size()) return false;
  bool verified = false;
  for (const std::string& key : keys_) {
    const Mac expected = Hmac(key, data);
    verified |= CRYPTO_memcmp(expected.data(), mac.data(), mac.size()) == 0;
  }
  return verified;
}

}  // namespace alma::auth
