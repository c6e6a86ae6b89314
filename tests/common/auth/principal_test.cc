#include "common/auth/principal.h"

#include <cstdint>
#include <string>

#include "catch2/catch.hpp"
#include "common/status/status.h"

namespace alma::auth {
namespace {

using v1::Principal;
using v1::SignedPrincipal;

const Secrets kSecrets{{std::string(32, 's')}};
const absl::Time kIssued = absl::FromUnixSeconds(1'700'000'000);

Principal Sample() {
  Principal principal;
  principal.set_organization_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ab");
  principal.set_api_key_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ac");
  principal.add_scopes("agents.read");
  principal.mutable_issued_at()->set_seconds(absl::ToUnixSeconds(kIssued));
  principal.mutable_expires_at()->set_seconds(absl::ToUnixSeconds(kIssued) + 60);
  return principal;
}

void CheckRefused(const absl::StatusOr<Principal>& result) {
  CHECK(result.status() == status::ApiKeyInvalid());
}

TEST_CASE("a signed principal is read back") {
  const PrincipalSigner signer(kSecrets);
  const absl::StatusOr<Principal> read = signer.Verify(signer.Sign(Sample()), kIssued);
  REQUIRE(read.ok());
  CHECK(read->SerializeAsString() == Sample().SerializeAsString());
}

TEST_CASE("a principal holds from issue to expiry give or take 30 seconds") {
  const PrincipalSigner signer(kSecrets);
  const std::string value = signer.Sign(Sample());
  const struct {
    absl::Duration since_issue;
    bool valid;
  } cases[] = {
      {absl::Seconds(-31), false},       {absl::Seconds(-30) - absl::Nanoseconds(1), false},
      {absl::Seconds(-30), true},        {absl::ZeroDuration(), true},
      {absl::Seconds(60), true},         {absl::Seconds(90) - absl::Nanoseconds(1), true},
      {absl::Seconds(90), false},        {absl::Hours(1), false},
      {absl::InfiniteDuration(), false}, {-absl::InfiniteDuration(), false},
  };
  for (const auto& expected : cases) {
    INFO(expected.since_issue);
    CHECK(signer.Verify(value, kIssued + expected.since_issue).ok() == expected.valid);
  }
}

TEST_CASE("any changed byte is refused") {
  const PrincipalSigner signer(kSecrets);
  const std::string value = signer.Sign(Sample());
  for (std::size_t at = 0; at < value.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = value;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      REQUIRE(signer.Verify(changed, kIssued).status() == status::ApiKeyInvalid());
    }
    REQUIRE(signer.Verify(value.substr(0, at), kIssued).status() == status::ApiKeyInvalid());
  }
}

TEST_CASE("a cut signature is refused") {
  const PrincipalSigner signer(kSecrets);
  SignedPrincipal envelope;
  REQUIRE(envelope.ParseFromString(signer.Sign(Sample())));
  REQUIRE(envelope.signature().size() == 32);
  envelope.mutable_signature()->resize(16);
  CheckRefused(signer.Verify(envelope.SerializeAsString(), kIssued));
}

TEST_CASE("the first secret signs and every secret verifies") {
  const Secrets fresh{{std::string(32, 'f')}};
  const Secrets both{{fresh.secrets[0], kSecrets.secrets[0]}};
  CHECK(PrincipalSigner(both).Verify(PrincipalSigner(kSecrets).Sign(Sample()), kIssued).ok());
  CHECK(PrincipalSigner(fresh).Verify(PrincipalSigner(both).Sign(Sample()), kIssued).ok());
  CheckRefused(PrincipalSigner(kSecrets).Verify(PrincipalSigner(both).Sign(Sample()), kIssued));
}

TEST_CASE("a signature for another purpose is refused") {
  SignedPrincipal envelope;
  envelope.set_principal(Sample().SerializeAsString());
  const Mac mac = MacKeys(kSecrets, "alma page token v1").Sign(envelope.principal());
  envelope.set_signature(mac.data(), mac.size());
  CheckRefused(PrincipalSigner(kSecrets).Verify(envelope.SerializeAsString(), kIssued));
}

TEST_CASE("a well signed principal without its fields is refused") {
  const PrincipalSigner signer(kSecrets);
  Principal no_issue = Sample();
  no_issue.clear_issued_at();
  CheckRefused(signer.Verify(signer.Sign(no_issue), kIssued));
  Principal no_expiry = Sample();
  no_expiry.clear_expires_at();
  CheckRefused(signer.Verify(signer.Sign(no_expiry), kIssued));
  CheckRefused(signer.Verify(signer.Sign(Principal()), kIssued));
  CheckRefused(signer.Verify("", kIssued));
  CheckRefused(signer.Verify("garbage", kIssued));
}

TEST_CASE("a principal whose times are no valid timestamps is refused") {
  const PrincipalSigner signer(kSecrets);
  for (const std::int32_t nanos : {-1, 1'000'000'000, 2'000'000'000}) {
    INFO(nanos);
    Principal issue = Sample();
    issue.mutable_issued_at()->set_nanos(nanos);
    CheckRefused(signer.Verify(signer.Sign(issue), kIssued));
    Principal expiry = Sample();
    expiry.mutable_expires_at()->set_nanos(nanos);
    CheckRefused(signer.Verify(signer.Sign(expiry), kIssued));
  }
  Principal never = Sample();
  never.mutable_expires_at()->set_seconds(253402300800);
  CheckRefused(signer.Verify(signer.Sign(never), kIssued));
}

TEST_CASE("only the platform itself may come without an organization") {
  const PrincipalSigner signer(kSecrets);
  Principal principal = Sample();
  principal.clear_organization_uuid();
  CheckRefused(signer.Verify(signer.Sign(principal), kIssued));
  principal.add_scopes("internal");
  CHECK(signer.Verify(signer.Sign(principal), kIssued).ok());
}

}  // namespace
}  // namespace alma::auth
