#include "common/rpc/tls_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/certificates.h"
#include "tests/support/temporary_folder.h"

namespace alma::rpc {
namespace {

using testing::CertificateAuthority;
using testing::CertificateFiles;
using testing::Certified;
using testing::ReplaceFile;

std::string WithPassword(const std::string& key) {
  BIO* in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* parsed = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  REQUIRE(PEM_write_bio_PKCS8PrivateKey(out, parsed, EVP_aes_256_cbc(), "word", 4, nullptr,
                                        nullptr) == 1);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out, &text);
  std::string encrypted(text, static_cast<size_t>(size));
  EVP_PKEY_free(parsed);
  BIO_free(in);
  BIO_free(out);
  return encrypted;
}

// The three files of one side, good at first.
class Side {
 public:
  const CertificateAuthority authority{"authority"};
  const Certified certified = authority.Issue();

 private:
  const testing::TemporaryFolder folder_;

 public:
  const CertificateFiles files{folder_.path(), authority, certified};
  TlsFiles flags = {.certificate = {"--cert", files.cert()},
                    .key = {"--key", files.key()},
                    .authorities = {"--ca", files.ca()}};

  absl::StatusOr<TlsIdentity> Identity() const { return LoadTlsIdentity(flags, absl::Now()); }
  absl::StatusOr<std::string> Authorities() const { return LoadTlsAuthorities(flags); }
};

TEST_CASE("a certificate with its key and the authorities are read as what gRPC takes") {
  const Side side;
  const auto identity = side.Identity();
  REQUIRE(identity.ok());
  CHECK(identity->pem == side.certified.certificate + side.certified.key);
  CHECK(side.Authorities().value() == side.authority.certificate());
  CHECK(identity->serial.find_first_not_of("0123456789ABCDEF") == std::string::npos);
  CHECK(identity->serial.size() >= 8);
  CHECK(identity->expires > absl::Now() + absl::Minutes(55));
  CHECK(identity->expires < absl::Now() + absl::Minutes(65));
}

TEST_CASE("files that are not given are not read") {
  Side side;
  side.flags.authorities.path.clear();
  CHECK(side.Authorities().value().empty());
  side.flags.authorities.path = side.files.ca();
  side.flags.certificate.path.clear();
  side.flags.key.path.clear();
  CHECK(side.Identity().value().pem.empty());
  CHECK(side.Authorities().value() == side.authority.certificate());
}

TEST_CASE("intermediate certificates go along and one file may hold certificate and key") {
  Side side;
  const CertificateAuthority between("between", &side.authority);
  const Certified certified = between.Issue();
  REQUIRE(certified.certificate.find("CERTIFICATE", certified.certificate.size() - 30) !=
          std::string::npos);
  ReplaceFile(side.files.key(), absl::StrCat("a word before\n", certified.key, "\nand behind\n",
                                             certified.certificate));
  side.flags.certificate.path = side.files.key();
  const auto identity = side.Identity();
  INFO(identity.status());
  REQUIRE(identity.ok());
  CHECK(identity->pem == certified.certificate + certified.key);
}

TEST_CASE("an RSA certificate of 2048 bits is taken") {
  const Side side;
  side.files.Replace(side.authority.Issue({.rsa_bits = 2048}));
  CHECK(side.Identity().ok());
}

struct Bad {
  std::string name;
  std::function<void(Side&)> spoil;
  absl::StatusCode code;
  // What the error begins with, and what stands in it.
  std::string flag;
  std::string why;
};

constexpr absl::StatusCode kUsage = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kRefused = absl::StatusCode::kFailedPrecondition;
constexpr absl::StatusCode kAbsent = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kDenied = absl::StatusCode::kPermissionDenied;

std::string Half(const std::string& text) { return text.substr(0, text.size() / 2); }

std::vector<Bad> BadFiles() {
  return {
      {"no key", [](Side& side) { side.flags.key.path.clear(); }, kUsage, "--cert", "needs --key"},
      {"no certificate", [](Side& side) { side.flags.certificate.path.clear(); }, kUsage, "--key",
       "needs --cert"},
      {"the certificate is away", [](Side& side) { unlink(side.files.cert().c_str()); }, kAbsent,
       "--cert", "cannot open"},
      {"the key is away", [](Side& side) { unlink(side.files.key().c_str()); }, kAbsent, "--key",
       "cannot open"},
      {"the authorities are away", [](Side& side) { unlink(side.files.ca().c_str()); }, kAbsent,
       "--ca", "cannot open"},
      {"a folder", [](Side& side) { side.flags.certificate.path = "/"; }, kRefused, "--cert",
       "cannot read"},
      {"too long",
       [](Side& side) { ReplaceFile(side.files.cert(), std::string(1024 * 1024, '\n')); }, kUsage,
       "--cert", "too long"},
      {"an empty certificate", [](Side& side) { ReplaceFile(side.files.cert(), ""); }, kRefused,
       "--cert", "no certificate in it"},
      {"half a certificate",
       [](Side& side) { ReplaceFile(side.files.cert(), Half(side.certified.certificate)); },
       kRefused, "--cert", "broken"},
      {"half an intermediate certificate",
       [](Side& side) {
         ReplaceFile(side.files.cert(),
                     side.certified.certificate + Half(side.authority.certificate()));
       },
       kRefused, "--cert", "broken"},
      {"a certificate with letters changed",
       [](Side& side) {
         std::string text = side.certified.certificate;
         text.replace(text.size() / 2, 4, "????");
         ReplaceFile(side.files.cert(), text);
       },
       kRefused, "--cert", "broken"},
      {"the key in the place of the certificate",
       [](Side& side) { ReplaceFile(side.files.cert(), side.certified.key); }, kRefused, "--cert",
       "no certificate in it"},
      {"half a key", [](Side& side) { ReplaceFile(side.files.key(), Half(side.certified.key)); },
       kRefused, "--key", "no key in it"},
      {"an empty key", [](Side& side) { ReplaceFile(side.files.key(), ""); }, kRefused, "--key",
       "no key in it"},
      {"a key with a password",
       [](Side& side) { ReplaceFile(side.files.key(), WithPassword(side.certified.key)); },
       kRefused, "--key", "with a password"},
      {"another key", [](Side& side) { ReplaceFile(side.files.key(), side.authority.Issue().key); },
       kRefused, "--key", "not the key of"},
      {"a key of another kind",
       [](Side& side) {
         ReplaceFile(side.files.key(), side.authority.Issue({.rsa_bits = 2048}).key);
       },
       kRefused, "--key", "not the key of"},
      {"a weak key",
       [](Side& side) { side.files.Replace(side.authority.Issue({.rsa_bits = 1024})); }, kRefused,
       "--cert", "key too small"},
      {"a certificate of the past",
       [](Side& side) { side.files.Replace(side.authority.Issue({.ends = -absl::Minutes(1)})); },
       kRefused, "--cert", "expired at"},
      {"a certificate of the future",
       [](Side& side) { side.files.Replace(side.authority.Issue({.begins = absl::Minutes(1)})); },
       kRefused, "--cert", "not valid before"},
      {"a key that the group may write", [](Side& side) { chmod(side.files.key().c_str(), 0620); },
       kDenied, "--key", "chmod 600"},
      {"a key that the group may read", [](Side& side) { chmod(side.files.key().c_str(), 0640); },
       kDenied, "--key", "chmod 600"},
      {"a key that all may read", [](Side& side) { chmod(side.files.key().c_str(), 0604); },
       kDenied, "--key", "chmod 600"},
      {"no authorities in the file", [](Side& side) { ReplaceFile(side.files.ca(), "none"); },
       kRefused, "--ca", "no certificate in it"},
      {"half an authority",
       [](Side& side) {
         ReplaceFile(side.files.ca(),
                     side.authority.certificate() + Half(side.authority.certificate()));
       },
       kRefused, "--ca", "broken"},
  };
}

TEST_CASE("files that would not do for a handshake are refused with the flag and the reason") {
  for (const Bad& bad : BadFiles()) {
    CAPTURE(bad.name);
    Side side;
    bad.spoil(side);
    const bool of_authorities = bad.flag == "--ca";
    CHECK((of_authorities ? side.Identity().status() : side.Authorities().status()).ok());
    const absl::Status status =
        of_authorities ? side.Authorities().status() : side.Identity().status();
    const std::string text(status.message());
    CAPTURE(text);
    CHECK(status.code() == bad.code);
    CHECK_THAT(text, Catch::Matchers::StartsWith(bad.flag));
    CHECK_THAT(text, Catch::Matchers::Contains(bad.why));
    CHECK(text.find('\n') == std::string::npos);
    CHECK(text.find("PRIVATE") == std::string::npos);
    if (bad.code != kUsage) CHECK_THAT(text, Catch::Matchers::Contains("/"));
  }
}

}  // namespace
}  // namespace alma::rpc
