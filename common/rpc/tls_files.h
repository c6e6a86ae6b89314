#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace alma::rpc {

// The PEM files of one side of TLS.
struct TlsFiles {
  struct File {
    // As the operator knows it: "--tls_cert".
    std::string flag;
    // Empty where the flag is not given.
    std::string path;
  };

  // What this side shows: its certificate with the intermediate ones behind it, and the key.
  File certificate;
  File key;
  // Those who sign the certificates of the other side.
  File authorities;
};

// What stands in the files of the certificate and the key.
struct TlsIdentity {
  // The certificates, then the key, as PEM; empty where those files are not given.
  std::string pem;
  // Of the certificate: its serial number in hex, and the end of its validity.
  std::string serial;
  absl::Time expires;
};

// Read the files that are given and check all that would keep OpenSSL from a handshake with them:
// the one those of this side, the other those of the other side, as PEM, or nothing where that file
// is not given. Errors are a line for the operator that begins with the flag and holds nothing of a
// key:
//   INVALID_ARGUMENT      certificate and key are not given together
//   PERMISSION_DENIED     others may use the key: group or others have any permission on it; where
//                         its owner is root and we are not, the group may read it
//   FAILED_PRECONDITION   no certificate or key in the file, a key with a password, one that is of
//                         another certificate or too weak, a certificate not valid at `now`
//   absl::ErrnoToStatus   it cannot be opened or read
absl::StatusOr<TlsIdentity> LoadTlsIdentity(const TlsFiles& files, absl::Time now);
absl::StatusOr<std::string> LoadTlsAuthorities(const TlsFiles& files);

}  // namespace alma::rpc
