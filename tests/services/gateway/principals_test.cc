#include "services/gateway/principals.h"

#include <string>

#include "catch2/catch.hpp"

namespace alma::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

auth::v1::Principal Caller() {
  auth::v1::Principal caller;
  caller.set_organization_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ab");
  caller.set_api_key_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ac");
  return caller;
}

TEST_CASE("a principal is signed once for the minute in which it is used") {
  Principals principals(auth::Secrets{{std::string(32, 's')}});
  const std::string value = principals.For(Caller(), kNow);
  CHECK(principals.For(Caller(), kNow + Principals::kUse - absl::Nanoseconds(1)) == value);
  CHECK(principals.For(Caller(), kNow + Principals::kUse) != value);
}

TEST_CASE("a principal that was signed before the clock was set back is not used") {
  const auth::Secrets secrets{{std::string(32, 's')}};
  const auth::PrincipalSigner signer(secrets);
  Principals principals(secrets);
  const absl::Time ahead = kNow + absl::Minutes(10);
  const std::string early = principals.For(Caller(), ahead);
  REQUIRE_FALSE(signer.Verify(early, kNow).ok());
  CHECK(signer.Verify(principals.For(Caller(), kNow), kNow).ok());
}

}  // namespace
}  // namespace alma::gateway
