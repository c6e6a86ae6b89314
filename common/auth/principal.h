#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"
#include "common/auth/mac.h"
#include "common/auth/secret_file.h"

namespace alma::auth {

// Whom a call is made for, shared by all calls that are made for them. Never null where a function
// answers it.
using SharedPrincipal = std::shared_ptr<const v1::Principal>;

// Clocks of gateway and services may differ by this much.
inline constexpr absl::Duration kPrincipalClockSkew = absl::Seconds(30);

// Whether it has both times and `now` lies between them, give or take the clock skew.
bool HoldsAt(const v1::Principal& principal, absl::Time now);

// Signs and verifies who a call is made for: the value of the metadata entry `alma-principal-bin`
// (before gRPC's base64). Thread-safe; keep one per process.
class PrincipalSigner {
 public:
  // `secrets` must not be empty.
  explicit PrincipalSigner(const Secrets& secrets);

  // A serialized alma.auth.v1.SignedPrincipal.
  std::string Sign(const alma::auth::v1::Principal& principal) const;

  // The principal in `signed_principal`. status::ApiKeyInvalid() for everything else: garbage, a
  // signature under no secret of ours, no organization (unless it has the scope "internal"), no
  // issued_at or expires_at, one that is no valid Timestamp, issued more than the clock skew after
  // `now`, expired the clock skew before `now` or earlier.
  absl::StatusOr<alma::auth::v1::Principal> Verify(std::string_view signed_principal,
                                                   absl::Time now) const;

 private:
  MacKeys keys_;
};

}  // namespace alma::auth
