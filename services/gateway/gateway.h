#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/auth/authenticator.h"
#include "common/auth/secret_file.h"
#include "common/rpc/bytes_service.h"
#include "common/rpc/caller.h"
#include "services/gateway/backend.h"
#include "services/gateway/channel.h"
#include "services/gateway/health.h"
#include "services/gateway/key_feed.h"
#include "services/gateway/key_store.h"
#include "services/gateway/principals.h"
#include "services/gateway/service.h"

namespace alma::gateway {

// The addresses of each backend, by its name (see kBackends): "host:port" or "unix:/path", several
// where several processes serve the same.
using Addresses = std::map<std::string, std::vector<std::string>, std::less<>>;

// Everything that stands between a gateway's listeners and the services behind it.
class Gateway {
 public:
  // Called for each service, with whether it can be reached now.
  using Serve = std::function<void(rpc::BytesService&, std::function<bool()> ready)>;

  // The first of `secrets` signs principals. INVALID_ARGUMENT for what is no address, and where
  // organizations, which knows the keys, has none. Backends without an address do not exist: their
  // services are not served. One off loopback without `tls` is logged as backend_without_tls.
  static absl::StatusOr<std::unique_ptr<Gateway>> Create(const Addresses& addresses,
                                                         const auth::Secrets& secrets,
                                                         const BackendTls& tls = {});

  // By the keys of the organizations service, remembered until it says that they have changed.
  rpc::Callers& callers() { return callers_; }

  // Begins to follow the keys and gives `serve` the services of all backends. `runtime`, with
  // `callers` in it, outlives this object, which outlives the server. Once.
  void AddTo(rpc::Runtime& runtime, const Serve& serve);

 private:
  Gateway(const Addresses& addresses, const auth::Secrets& secrets, const BackendTls& tls);

  Principals principals_;
  KeyStore key_store_;
  std::map<std::string, std::unique_ptr<Backend>, std::less<>> backends_;
  auth::Authenticator authenticator_;
  rpc::ApiKeyCallers callers_;
  const Addresses addresses_;
  const BackendTls tls_;
  std::unique_ptr<KeyFeed> key_feed_;
  std::vector<std::unique_ptr<HealthWatch>> health_;
  std::vector<std::unique_ptr<ForwardedService>> services_;
};

}  // namespace alma::gateway
