#include "services/gateway/gateway.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/rpc/address.h"
#include "common/status/macros.h"
#include "services/gateway/routes.h"

namespace alma::gateway {

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Create(const Addresses& addresses,
                                                         const auth::Secrets& secrets,
                                                         const BackendTls& tls) {
  Addresses given;
  for (const auto& [backend, of_backend] : addresses) {
    for (const std::string& address : of_backend) {
      RETURN_IF_ERROR(rpc::CheckAddress(absl::StrCat("--", backend), address, /*insecure=*/true));
      if (tls.tls == nullptr && !rpc::IsLocal(address)) {
        log::Warning("backend_without_tls", {{"address", address}});
      }
    }
    if (!of_backend.empty()) given[backend] = of_backend;
  }
  if (!given.contains(kOrganizations)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", std::string(kOrganizations), " is required: it knows the keys"));
  }
  return std::unique_ptr<Gateway>(new Gateway(given, secrets, tls));
}

Gateway::Gateway(const Addresses& addresses, const auth::Secrets& secrets, const BackendTls& tls)
    : principals_(secrets),
      key_store_(addresses.find(kOrganizations)->second, tls, principals_),
      authenticator_([this](const std::string& secret_sha256, absl::Time deadline) {
        return key_store_.Verify(secret_sha256, deadline);
      }),
      callers_(authenticator_),
      addresses_(addresses),
      tls_(tls) {
  for (const auto& [backend, of_backend] : addresses_) {
    backends_[backend] = std::make_unique<Backend>(of_backend, tls_);
  }
}

void Gateway::AddTo(rpc::Runtime& runtime, const Serve& serve) {
  key_store_.CountIn(runtime.metrics);
  key_feed_ = std::make_unique<KeyFeed>(key_store_, authenticator_, runtime.metrics);
  const auto on_change = [this](const std::string& organization_uuid) {
    authenticator_.Forget(organization_uuid);
  };
  for (const auto& [name, backend] : backends_) {
    // Whoever hears that organizations is back has keys looked up at once.
    KeyFeed* const feed = name == kOrganizations ? key_feed_.get() : nullptr;
    const auto report = [known = backend.get(), feed](size_t process, Backend::Health health) {
      if (known->Report(process, health) && feed != nullptr) feed->RetryNow();
    };
    std::vector<std::string> names;
    const auto descriptors = ServicesOf(name);
    names.reserve(descriptors.size());
    for (const auto* descriptor : descriptors) names.push_back(descriptor->full_name());
    health_.push_back(
        std::make_unique<HealthWatch>(addresses_.find(name)->second, names, report, tls_));
    for (size_t i = 0; i < descriptors.size(); ++i) {
      services_.push_back(std::make_unique<ForwardedService>(
          *descriptors[i], Destination{runtime, *backend, principals_, on_change}));
      serve(*services_.back(), [watch = health_.back().get(), i] { return watch->Serving(i); });
    }
  }
}

}  // namespace alma::gateway
