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
// (LoadTlsFiles), a pair that is half replaced for instance, change nothing and are logged once as
// tls_files_refused. Thread-safe.
class Tls {
 public:
  static constexpr absl::Duration kLookEvery = absl::Seconds(1);

  // Null where no file is given. INVALID_ARGUMENT where the flag of the certificate (servers) or of
  // the authorities (clients) is missing; else the errors of LoadTlsFiles.
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
  absl::Status Publish(TlsMaterial material);
  void Follow();
  void Look();

  const TlsFiles files_;
  TlsMaterial published_;
  MemoryFile identity_;
  MemoryFile authorities_;
  std::shared_ptr<grpc::experimental::CertificateProviderInterface> provider_;
  // Why the files were refused when they were last looked at.
  std::string refused_;
  absl::Notification stopping_;
  std::thread thread_;
};

}  // namespace alma::rpc
