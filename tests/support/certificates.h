#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

#include "absl/time/time.h"

namespace alma::testing {

// PEM. A certificate that an intermediate authority has signed has that one's behind it.
struct Certified {
  std::string certificate;
  std::string key;
};

// Signs certificates with keys of their own, on P-256 where nothing else is said.
class CertificateAuthority {
 public:
  // One that all trust who have `certificate`; or, with an issuer, one between that and others.
  explicit CertificateAuthority(const std::string& name,
                                const CertificateAuthority* issuer = nullptr);
  ~CertificateAuthority();

  struct Options {
    // "DNS:alma.test,IP:127.0.0.1"
    std::string names = "IP:127.0.0.1,DNS:localhost";
    absl::Duration begins = -absl::Hours(1);
    absl::Duration ends = absl::Hours(1);
    // 0 for P-256.
    int rsa_bits = 0;
  };
  Certified Issue(const Options& options) const;
  Certified Issue() const { return Issue(Options()); }

  // Its own, as PEM.
  std::string certificate() const;

 private:
  const CertificateAuthority* const issuer_;
  EVP_PKEY* const key_;
  X509* const certificate_;
};

// Puts a file that only its owner may read in the place of the one that is there, at once.
void ReplaceFile(const std::string& path, const std::string& content);

// Files in a folder: ca.pem, cert.pem and key.pem.
class CertificateFiles {
 public:
  CertificateFiles(std::string folder, const CertificateAuthority& authority,
                   const Certified& certified);

  // The key first, so that for a moment they do not belong together.
  void Replace(const Certified& certified) const;

  std::string ca() const { return folder_ + "/ca.pem"; }
  std::string cert() const { return folder_ + "/cert.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }

 private:
  const std::string folder_;
};

}  // namespace alma::testing
