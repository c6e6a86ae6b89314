#pragma once

#include <memory>
#include <string>
#include <thread>

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/memory_file.h"
#include "common/rpc/tls_files.h"

namespace alma::rpc {

// One side of TLS (1.2 and 1.3) by files that may change. New connections get what stands in the
// files within 2 * kLookEvery; those that are open stay as they are. Files that do not do
// (tls_files.h), a pair that is half replaced for instance, change nothing and are logged once as
// tls_files_refused. Certificate and key are one part, the authorities another: neither waits for
// the other to be good. Thread-safe.
class Tls {
 public:
  static constexpr absl::Duration kLookEvery = absl::Seconds(1);

  // Null where no file is given. INVALID_ARGUMENT where the flag of the certificate (servers) or of
  // the authorities (clients) is missing; else the errors of tls_files.h.
  static absl::StatusOr<std::shared_ptr<const Tls>> ForServer(TlsFiles files);
  static absl::StatusOr<std::shared_ptr<const Tls>> ForClient(TlsFiles files);
  ~Tls();

  // For listeners. Where authorities are given, a client without a certificate by one of them is
  // refused in the handshake.
  std::shared_ptr<grpc::ServerCredentials> ServerCredentials() const;

  // For channels. A server without a certificate by one of the authorities, for the name by which
  // the channel knows it, is refused in the handshake.
  std::shared_ptr<grpc::ChannelCredentials> ChannelCredentials() const;

 private:
  explicit Tls(TlsFiles files);
  static absl::StatusOr<std::shared_ptr<const Tls>> Load(TlsFiles files);
  // Publish what stands in the files of a part, where that has changed.
  absl::Status LookAtIdentity();
  absl::Status LookAtAuthorities();
  void Follow();
  void Look();

  // What handshakes use of a part.
  struct Published {
    std::string pem;
    MemoryFile file;
    // Why its files were refused when they were last looked at.
    std::string refused;
  };
  // Keeps and logs what looking at a part came to.
  static void Note(const absl::Status& looked, Published* part);

  const TlsFiles files_;
  Published identity_;
  Published authorities_;
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
  absl::Notification stopping_;
  std::thread thread_;
};

}  // namespace alma::rpc
