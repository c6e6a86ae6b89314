#include "common/auth/principal.h"

#include "common/auth/scopes.h"
#include "common/status/status.h"
#include "common/text/timestamp.h"

namespace alma::auth {
namespace {

using v1::Principal;
using v1::SignedPrincipal;

bool NamesCaller(const Principal& principal) {
  return !principal.organization_uuid().empty() || HasScope(principal, kInternal);
}

}  // namespace

bool HoldsAt(const Principal& principal, absl::Time now) {
  return principal.has_issued_at() && principal.has_expires_at() &&
         text::ToTime(principal.issued_at()) <= now + kPrincipalClockSkew &&
         now < text::ToTime(principal.expires_at()) + kPrincipalClockSkew;
}

PrincipalSigner::PrincipalSigner(const Secrets& secrets) : keys_(secrets, "alma principal v1") {}

std::string PrincipalSigner::Sign(const Principal& principal) const {
  SignedPrincipal signed_principal;
  signed_principal.set_principal(principal.SerializeAsString());
  const Mac mac = keys_.Sign(signed_principal.principal());
  signed_principal.set_signature(mac.data(), mac.size());
  return signed_principal.SerializeAsString();
}

absl::StatusOr<Principal> PrincipalSigner::Verify(std::string_view signed_principal,
                                                  absl::Time now) const {
  SignedPrincipal envelope;
  Principal principal;
  const int size = static_cast<int>(signed_principal.size());
  if (!envelope.ParseFromArray(signed_principal.data(), size) ||
      envelope.signature().size() != Mac().size() ||
      !keys_.Verify(envelope.principal(), envelope.signature()) ||
      !principal.ParseFromString(envelope.principal()) || !NamesCaller(principal) ||
      !text::IsValid(principal.issued_at()) || !text::IsValid(principal.expires_at()) ||
      !HoldsAt(principal, now)) {
    return status::ApiKeyInvalid();
  }
  return principal;
}

}  // namespace alma::auth
