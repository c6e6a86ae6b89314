#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include <grpcpp/support/string_ref.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"
#include "common/auth/authenticator.h"
#include "common/auth/key_watch.h"
#include "common/auth/principal.h"
#include "common/auth/verified_principals.h"

namespace alma::rpc {

// Metadata in which the gateway says whom it calls for, as auth::PrincipalSigner signs it.
inline constexpr char kPrincipal[] = "alma-principal-bin";

using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// Finds out who makes a call. Implementations are thread-safe and may block.
class Callers {
 public:
  virtual ~Callers() = default;

  // UNAUTHENTICATED, one and the same for every reason a caller is not let in; UNAVAILABLE when the
  // key store cannot be asked.
  virtual absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata& metadata,
                                                        absl::Time deadline) = 0;

  // What Resolve would answer, where that is known without waiting for anything; else nullopt.
  virtual std::optional<absl::StatusOr<auth::SharedPrincipal>> TryResolve(const Metadata&) {
    return std::nullopt;
  }

  // Whether a caller who has been let in may be refused later in the same call.
  virtual bool MayLoseAccess() const { return true; }

  // Watches over a call that stays open, after Resolve; see auth::Authenticator::Watch. Null where
  // nobody can say when a caller loses access. The callers and `scope` outlive it.
  virtual std::unique_ptr<auth::KeyWatch> Watch(const Metadata&, std::string_view /*scope*/,
                                                const auth::KeyWatches::OnChecked&) {
    return nullptr;
  }

  // Whether methods of the scope "internal" exist for these callers.
  virtual bool MayBeInternal() const = 0;
};

// By `authorization: Bearer <key>` or `x-api-key: <key>`. Exactly one key: a second one is refused.
class ApiKeyCallers final : public Callers {
 public:
  explicit ApiKeyCallers(auth::Authenticator& authenticator) : authenticator_(authenticator) {}
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata& metadata,
                                                absl::Time deadline) override;
  std::optional<absl::StatusOr<auth::SharedPrincipal>> TryResolve(
      const Metadata& metadata) override;
  std::unique_ptr<auth::KeyWatch> Watch(const Metadata& metadata, std::string_view scope,
                                        const auth::KeyWatches::OnChecked& on_checked) override;
  bool MayBeInternal() const override { return false; }

 private:
  auth::Authenticator& authenticator_;
};

// By the gateway's `alma-principal-bin`, which is looked at once: it is the gateway that ends the
// calls of a key that has ended, and a call may outlast the principal that it began with. One that
// was good before is not verified again, but must not have expired (auth::VerifiedPrincipals).
class PrincipalCallers final : public Callers {
 public:
  explicit PrincipalCallers(const auth::Secrets& secrets) : verified_(secrets) {}
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata& metadata,
                                                absl::Time deadline) override;
  std::optional<absl::StatusOr<auth::SharedPrincipal>> TryResolve(
      const Metadata& metadata) override {
    return Resolve(metadata, absl::InfiniteFuture());
  }
  bool MayLoseAccess() const override { return false; }
  bool MayBeInternal() const override { return true; }

 private:
  auth::VerifiedPrincipals verified_;
};

// As PrincipalCallers, and for development also by a plain `alma-organization: <uuid>`, with
// auth::TenantScopes. Anybody can say that, so such a process must not listen to strangers.
class InsecureCallers final : public Callers {
 public:
  explicit InsecureCallers(const auth::Secrets& secrets) : signed_(secrets) {}
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata& metadata,
                                                absl::Time deadline) override;
  std::optional<absl::StatusOr<auth::SharedPrincipal>> TryResolve(
      const Metadata& metadata) override {
    return Resolve(metadata, absl::InfiniteFuture());
  }
  bool MayLoseAccess() const override { return false; }
  bool MayBeInternal() const override { return true; }

 private:
  PrincipalCallers signed_;
};

// OK when the caller carries `scope` (see auth::HasScope), PERMISSION_DENIED otherwise.
absl::Status CheckScope(const auth::v1::Principal& caller, std::string_view scope);

}  // namespace alma::rpc
