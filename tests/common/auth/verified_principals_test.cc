#include "common/auth/verified_principals.h"

#include <atomic>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/support/concurrently.h"

namespace alma::auth {
namespace {

using v1::Principal;

const Secrets kSecrets{{std::string(32, 's')}};
const absl::Time kIssued = absl::FromUnixSeconds(1'700'000'000);

// Of caller `n`, good for a minute from `issued`.
std::string Signed(int n, absl::Time issued = kIssued, const Secrets& secrets = kSecrets) {
  Principal principal;
  principal.set_organization_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ab");
  principal.set_api_key_uuid(absl::StrFormat("0190f3a2-7c1e-7b4d-8f00-%012d", n));
  principal.add_scopes("agents.read");
  principal.mutable_issued_at()->set_seconds(absl::ToUnixSeconds(issued));
  principal.mutable_expires_at()->set_seconds(absl::ToUnixSeconds(issued) + 60);
  return PrincipalSigner(secrets).Sign(principal);
}

TEST_CASE("a principal that was verified is shared by the calls that follow") {
  VerifiedPrincipals verified(kSecrets);
  const std::string value = Signed(1);
  const auto first = verified.Verify(value, kIssued);
  REQUIRE(first.ok());
  CHECK((*first)->api_key_uuid() == "0190f3a2-7c1e-7b4d-8f00-000000000001");
  CHECK((*first)->scopes_size() == 1);
  const auto second = verified.Verify(std::string(value), kIssued + absl::Seconds(1));
  REQUIRE(second.ok());
  CHECK(first->get() == second->get());
  const auto other = verified.Verify(Signed(2), kIssued);
  REQUIRE(other.ok());
  CHECK((*other)->api_key_uuid() == "0190f3a2-7c1e-7b4d-8f00-000000000002");
  CHECK(verified.size() == 2);
}

TEST_CASE("a remembered principal holds from issue to expiry give or take 30 seconds") {
  VerifiedPrincipals verified(kSecrets);
  const std::string value = Signed(1);
  REQUIRE(verified.Verify(value, kIssued).ok());
  const struct {
    absl::Duration since_issue;
    bool valid;
  } cases[] = {
      {absl::Seconds(-30) - absl::Nanoseconds(1), false},
      {absl::Seconds(-30), true},
      {absl::Seconds(90) - absl::Nanoseconds(1), true},
      {absl::Seconds(90), false},
      {absl::InfiniteDuration(), false},
      {-absl::InfiniteDuration(), false},
  };
  for (const auto& expected : cases) {
    INFO(expected.since_issue);
    const auto answer = verified.Verify(value, kIssued + expected.since_issue);
    CHECK(answer.ok() == expected.valid);
    if (!answer.ok()) CHECK(answer.status() == status::ApiKeyInvalid());
  }
}

TEST_CASE("what nobody of ours has signed is refused and never remembered") {
  VerifiedPrincipals verified(kSecrets);
  const std::string stranger = Signed(1, kIssued, Secrets{{std::string(32, 'o')}});
  const std::string late = Signed(1, kIssued - absl::Hours(1));
  for (const std::string& value : {std::string(), std::string("garbage"), stranger, late}) {
    for (int i = 0; i < 2; ++i) {
      CHECK(verified.Verify(value, kIssued).status() == status::ApiKeyInvalid());
    }
  }
  CHECK(verified.size() == 0);
}

TEST_CASE("any changed byte of a remembered principal is refused") {
  VerifiedPrincipals verified(kSecrets);
  const std::string value = Signed(1);
  REQUIRE(verified.Verify(value, kIssued).ok());
  for (size_t at = 0; at < value.size(); ++at) {
    std::string changed = value;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    REQUIRE(verified.Verify(changed, kIssued).status() == status::ApiKeyInvalid());
    REQUIRE_FALSE(verified.Verify(value.substr(0, at), kIssued).ok());
  }
  REQUIRE_FALSE(verified.Verify(value + '\0', kIssued).ok());
  CHECK(verified.size() == 1);
  CHECK(verified.Verify(value, kIssued).ok());
}

TEST_CASE("other secrets know nothing of what was verified under the old ones") {
  const std::string value = Signed(1);
  VerifiedPrincipals old(kSecrets);
  REQUIRE(old.Verify(value, kIssued).ok());
  VerifiedPrincipals fresh(Secrets{{std::string(32, 'f')}});
  CHECK(fresh.Verify(value, kIssued).status() == status::ApiKeyInvalid());
}

TEST_CASE("no more principals are remembered than there is room for") {
  constexpr size_t kFew = 32;
  VerifiedPrincipals verified(kSecrets, kFew);
  for (int n = 0; n < 500; ++n) {
    const std::string value = Signed(n);
    REQUIRE(verified.Verify(value, kIssued).ok());
    REQUIRE(verified.Verify(value, kIssued).ok());
    REQUIRE(verified.size() <= kFew);
  }
  CHECK(verified.size() > 0);
}

TEST_CASE("no more bytes are remembered than there is room for") {
  // A sixteenth of it is what a part may hold.
  constexpr size_t kBytes = 16 * 4096;
  VerifiedPrincipals verified(kSecrets, 1'000'000, kBytes);
  for (int n = 0; n < 1000; ++n) REQUIRE(verified.Verify(Signed(n), kIssued).ok());
  CHECK(verified.size() > 0);
  CHECK(verified.size() * Signed(0).size() < kBytes);

  Principal large;
  large.set_organization_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ab");
  large.add_scopes(std::string(kBytes, 's'));
  large.mutable_issued_at()->set_seconds(absl::ToUnixSeconds(kIssued));
  large.mutable_expires_at()->set_seconds(absl::ToUnixSeconds(kIssued) + 60);
  const std::string value = PrincipalSigner(kSecrets).Sign(large);
  const size_t before = verified.size();
  const auto first = verified.Verify(value, kIssued);
  const auto second = verified.Verify(value, kIssued);
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(first->get() != second->get());
  CHECK(verified.size() == before);
}

TEST_CASE("principals that have expired make room for others") {
  constexpr size_t kFew = 160;
  VerifiedPrincipals verified(kSecrets, kFew);
  for (int n = 0; n < 500; ++n) REQUIRE(verified.Verify(Signed(n), kIssued).ok());
  const absl::Time later = kIssued + absl::Minutes(2);
  for (int n = 0; n < 500; ++n) {
    const std::string value = Signed(n, later);
    const auto first = verified.Verify(value, later);
    REQUIRE(first.ok());
    REQUIRE(verified.Verify(value, later)->get() == first->get());
    REQUIRE(verified.size() <= kFew);
  }
}

TEST_CASE("many callers are verified at a time", "[threads]") {
  VerifiedPrincipals verified(kSecrets, 64);
  std::vector<std::string> values;
  values.reserve(200);
  for (int n = 0; n < 200; ++n) values.push_back(Signed(n));
  std::atomic<int> refused = 0;
  testing::Concurrently(8, [&](int thread) {
    for (int i = 0; i < 2000; ++i) {
      const int n = (i + thread * 25) % 200;
      const auto principal = verified.Verify(values[n], kIssued);
      const std::string expected = absl::StrFormat("0190f3a2-7c1e-7b4d-8f00-%012d", n);
      if (!principal.ok() || (*principal)->api_key_uuid() != expected) ++refused;
    }
  });
  CHECK(refused == 0);
  CHECK(verified.size() <= 64);
}

}  // namespace
}  // namespace alma::auth
