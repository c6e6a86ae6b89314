#include "common/rpc/tls.h"

#include <utility>

#include <grpc/grpc.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/status/macros.h"

namespace alma::rpc {

using grpc::experimental::FileWatcherCertificateProvider;
using grpc::experimental::HostNameCertificateVerifier;
using grpc::experimental::TlsChannelCredentialsOptions;
using grpc::experimental::TlsServerCredentialsOptions;

namespace {

bool NoneGiven(const TlsFiles& files) {
  return files.certificate.path.empty() && files.key.path.empty() && files.authorities.path.empty();
}

absl::Status Lacks(const TlsFiles::File& given, const TlsFiles::File& missing) {
  return absl::InvalidArgumentError(absl::StrCat(given.flag, " needs ", missing.flag));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tls>> Tls::ForServer(TlsFiles files) {
  if (NoneGiven(files)) return nullptr;
  if (files.certificate.path.empty() && files.key.path.empty()) {
    return Lacks(files.authorities, files.certificate);
  }
  return Load(std::move(files));
}

absl::StatusOr<std::shared_ptr<const Tls>> Tls::ForClient(TlsFiles files) {
  if (NoneGiven(files)) return nullptr;
  if (files.authorities.path.empty()) {
    return Lacks(files.certificate.path.empty() ? files.key : files.certificate, files.authorities);
  }
  return Load(std::move(files));
}

absl::StatusOr<std::shared_ptr<const Tls>> Tls::Load(TlsFiles files) {
  std::shared_ptr<Tls> tls(new Tls(std::move(files)));
  RETURN_IF_ERROR(tls->LookAtIdentity());
  RETURN_IF_ERROR(tls->LookAtAuthorities());
  tls->Follow();
  return tls;
}

Tls::Tls(TlsFiles files) : files_(std::move(files)) { grpc_init(); }

Tls::~Tls() {
  if (thread_.joinable()) {
    stopping_.Notify();
    thread_.join();
  }
  provider_.reset();
  grpc_shutdown();
}

// gRPC's watcher of files gives up the certificate that it has for whatever stands in the files, a
// pair that does not belong together included; its credentials with a callback are freed under the
// feet of handshakes. So it watches files that are only ever good, and change as one: that with the
// identity holds certificate and key, and reads between which it has changed are repeated.
void Tls::Follow() {
  provider_ = std::make_shared<FileWatcherCertificateProvider>(
      identity_.file.path(), identity_.file.path(), authorities_.file.path(),
      static_cast<unsigned>(absl::ToInt64Seconds(kLookEvery)));
  thread_ = std::thread([this] {
    while (!stopping_.WaitForNotificationWithTimeout(kLookEvery)) Look();
  });
}

absl::Status Tls::LookAtIdentity() {
  ASSIGN_OR_RETURN(TlsIdentity identity, LoadTlsIdentity(files_, absl::Now()));
  if (identity.pem == identity_.pem) return absl::OkStatus();
  RETURN_IF_ERROR(identity_.file.Replace(identity.pem));
  identity_.pem = std::move(identity.pem);
  log::Info("tls_files_loaded",
            {{"flag", files_.certificate.flag},
             {"serial", identity.serial},
             {"expires", absl::FormatTime(identity.expires, absl::UTCTimeZone())}});
  return absl::OkStatus();
}

absl::Status Tls::LookAtAuthorities() {
  ASSIGN_OR_RETURN(std::string authorities, LoadTlsAuthorities(files_));
  if (authorities == authorities_.pem) return absl::OkStatus();
  RETURN_IF_ERROR(authorities_.file.Replace(authorities));
  authorities_.pem = std::move(authorities);
  log::Info("tls_files_loaded", {{"flag", files_.authorities.flag}});
  return absl::OkStatus();
}

void Tls::Note(const absl::Status& looked, Published* part) {
  const std::string refused(looked.message());
  if (refused != part->refused && !looked.ok()) {
    log::Warning("tls_files_refused", {{"cause", refused}});
  }
  part->refused = refused;
}

// Each by itself: authorities that were taken out must not go on counting because the certificate
// beside them has expired.
void Tls::Look() {
  Note(LookAtIdentity(), &identity_);
  Note(LookAtAuthorities(), &authorities_);
}

std::shared_ptr<grpc::ServerCredentials> Tls::ServerCredentials() const {
  TlsServerCredentialsOptions options(provider_);
  options.watch_identity_key_cert_pairs();
  if (!files_.authorities.path.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> Tls::ChannelCredentials() const {
  TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provider_);
  options.watch_root_certs();
  if (!files_.certificate.path.empty()) options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(std::make_shared<HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace alma::rpc
