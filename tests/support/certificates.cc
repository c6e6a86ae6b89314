#include "tests/support/certificates.h"

#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <utility>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "catch2/catch.hpp"

namespace alma::testing {
namespace {

std::string TextOf(BIO* bio) {
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio, &text);
  std::string copy(text, static_cast<size_t>(size));
  BIO_free(bio);
  return copy;
}

std::string Pem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return TextOf(bio);
}

std::string Pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(bio);
}

void Extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  REQUIRE(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

struct Validity {
  absl::Duration begins;
  absl::Duration ends;
};

// Not signed yet, with the subject `name` and a random serial number.
X509* Draft(const std::string& name, EVP_PKEY* key, const Validity& validity) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  int64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial) - 1);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), absl::ToInt64Seconds(validity.begins));
  X509_gmtime_adj(X509_getm_notAfter(certificate), absl::ToInt64Seconds(validity.ends));
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

EVP_PKEY* NewKey(int rsa_bits) {
  return rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
}

}  // namespace

CertificateAuthority::CertificateAuthority(const std::string& name,
                                           const CertificateAuthority* issuer)
    : issuer_(issuer),
      key_(NewKey(0)),
      certificate_(Draft(name, key_, {-absl::Hours(24), absl::Hours(24)})) {
  X509* const by = issuer_ == nullptr ? certificate_ : issuer_->certificate_;
  X509_set_issuer_name(certificate_, X509_get_subject_name(by));
  Extend(certificate_, by, NID_basic_constraints, "critical,CA:TRUE");
  Extend(certificate_, by, NID_key_usage, "critical,keyCertSign");
  REQUIRE(X509_sign(certificate_, issuer_ == nullptr ? key_ : issuer_->key_, EVP_sha256()) != 0);
}

CertificateAuthority::~CertificateAuthority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

Certified CertificateAuthority::Issue(const Options& options) const {
  EVP_PKEY* key = NewKey(options.rsa_bits);
  X509* certificate = Draft("alma", key, {options.begins, options.ends});
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
  Extend(certificate, certificate_, NID_subject_alt_name, options.names);
  REQUIRE(X509_sign(certificate, key_, EVP_sha256()) != 0);
  Certified certified{Pem(certificate), Pem(key)};
  if (issuer_ != nullptr) certified.certificate += Pem(certificate_);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return certified;
}

std::string CertificateAuthority::certificate() const { return Pem(certificate_); }

void ReplaceFile(const std::string& path, const std::string& content) {
  const std::string draft = path + ".new";
  std::ofstream(draft, std::ios::binary) << content;
  REQUIRE(chmod(draft.c_str(), S_IRUSR | S_IWUSR) == 0);
  REQUIRE(std::rename(draft.c_str(), path.c_str()) == 0);
}

CertificateFiles::CertificateFiles(std::string folder, const CertificateAuthority& authority,
                                   const Certified& certified)
    : folder_(std::move(folder)) {
  ReplaceFile(ca(), authority.certificate());
  Replace(certified);
}

void CertificateFiles::Replace(const Certified& certified) const {
  ReplaceFile(key(), certified.key);
  ReplaceFile(cert(), certified.certificate);
}

}  // namespace alma::testing
