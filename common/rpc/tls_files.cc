#include "common/rpc/tls_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "absl/strings/str_cat.h"
#include "common/file/file.h"
#include "common/status/macros.h"

namespace alma::rpc {
namespace {

// The bundle of a system with all public authorities has some 200 KiB.
constexpr size_t kMaxFileBytes = 1024 * 1024;

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;
using Bignum = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Certificates = std::vector<Certificate>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

absl::Status Refused(const TlsFiles::File& file, const std::string& why) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(file.flag, ": ", file.path, ": ", why));
}

absl::StatusOr<file::File> Read(const TlsFiles::File& file) {
  absl::StatusOr<file::File> read = file::Read(file.path, kMaxFileBytes, file.path);
  if (read.ok()) return read;
  return absl::Status(read.status().code(),
                      absl::StrCat(file.flag, ": ", std::string(read.status().message())));
}

Bio Reader(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// All of them; gRPC would take those that stand before one that is broken.
absl::StatusOr<Certificates> ReadCertificates(const TlsFiles::File& file) {
  ASSIGN_OR_RETURN(const file::File read, Read(file));
  const Bio reader = Reader(read.content);
  Certificates certificates;
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509_AUX(reader.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(next);
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return Refused(file, "a certificate in it is broken");
  }
  if (certificates.empty()) return Refused(file, "no certificate in it");
  ERR_clear_error();
  return certificates;
}

// OpenSSL would ask for it at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

absl::StatusOr<Key> ReadKey(const TlsFiles::File& file) {
  ASSIGN_OR_RETURN(const file::File read, Read(file));
  const bool of_root = read.owner == 0 && geteuid() != 0;
  const mode_t forbidden = of_root ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
  if ((read.mode & forbidden) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(file.flag, ": others may use ", file.path, ": chmod 600 it"));
  }
  Key key(PEM_read_bio_PrivateKey(Reader(read.content).get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return Refused(file, "no key in it, or one with a password");
  return key;
}

std::string LastReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "OpenSSL refuses it" : reason;
}

absl::Status CheckTogether(const TlsFiles& files, const Certificates& chain, const Key& key) {
  const Context context(SSL_CTX_new(TLS_method()));
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
    return Refused(files.certificate, LastReason());
  }
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) != 1) {
      return Refused(files.certificate, LastReason());
    }
  }
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    return Refused(files.key, absl::StrCat("not the key of ", files.certificate.path));
  }
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return Refused(files.key, LastReason());
  }
  return absl::OkStatus();
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm utc{};
  return ASN1_TIME_to_tm(time, &utc) == 1 ? absl::FromTM(utc, absl::UTCTimeZone())
                                          : absl::InfinitePast();
}

absl::Status CheckValid(const TlsFiles::File& file, const X509& certificate, absl::Time now) {
  const absl::Time begins = TimeOf(X509_get0_notBefore(&certificate));
  const absl::Time ends = TimeOf(X509_get0_notAfter(&certificate));
  const auto text = [](absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); };
  if (now < begins) return Refused(file, absl::StrCat("not valid before ", text(begins)));
  if (now > ends) return Refused(file, absl::StrCat("expired at ", text(ends)));
  return absl::OkStatus();
}

std::string SerialOf(X509& certificate) {
  const Bignum number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  char* hex = BN_bn2hex(number.get());
  std::string serial = hex;
  OPENSSL_free(hex);
  return serial;
}

// As PEM, whatever else the files hold.
std::string Text(const Certificates& certificates, const Key& key) {
  const Bio writer(BIO_new(BIO_s_mem()));
  for (const Certificate& certificate : certificates) {
    PEM_write_bio_X509(writer.get(), certificate.get());
  }
  if (key != nullptr) {
    PEM_write_bio_PrivateKey(writer.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  char* text = nullptr;
  const auto size = BIO_get_mem_data(writer.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

absl::StatusOr<TlsIdentity> LoadTlsIdentity(const TlsFiles& files, absl::Time now) {
  if (files.certificate.path.empty() && files.key.path.empty()) return TlsIdentity();
  for (const auto& [given, other] :
       {std::pair(&files.certificate, &files.key), std::pair(&files.key, &files.certificate)}) {
    if (other->path.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(given->flag, " needs ", other->flag));
    }
  }
  ASSIGN_OR_RETURN(const Certificates chain, ReadCertificates(files.certificate));
  ASSIGN_OR_RETURN(const Key key, ReadKey(files.key));
  RETURN_IF_ERROR(CheckTogether(files, chain, key));
  RETURN_IF_ERROR(CheckValid(files.certificate, *chain.front(), now));
  return TlsIdentity{.pem = Text(chain, key),
                     .serial = SerialOf(*chain.front()),
                     .expires = TimeOf(X509_get0_notAfter(chain.front().get()))};
}

absl::StatusOr<std::string> LoadTlsAuthorities(const TlsFiles& files) {
  if (files.authorities.path.empty()) return std::string();
  ASSIGN_OR_RETURN(const Certificates authorities, ReadCertificates(files.authorities));
  return Text(authorities, nullptr);
}

}  // namespace alma::rpc
