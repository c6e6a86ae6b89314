#include "common/rpc/caller.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "common/auth/scopes.h"
#include "common/status/status.h"

namespace alma::rpc {
namespace {

constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
const auth::Secrets kSecrets{{std::string(32, 's')}};

using Entries = std::vector<std::pair<std::string, std::string>>;

// The entries outlive what is read of them.
Metadata MetadataOf(const Entries& entries) {
  Metadata metadata;
  for (const auto& [key, value] : entries) metadata.emplace(key, value);
  return metadata;
}

// Knows one key.
class Fixture {
 public:
  absl::Status Resolve(const Entries& entries) {
    return callers_.Resolve(MetadataOf(entries), absl::InfiniteFuture()).status();
  }
  const std::string key = auth::NewApiKey();

 private:
  auth::Authenticator authenticator_{
      [this](const std::string& sha256,
             absl::Time) -> absl::StatusOr<organizations::v1::VerifyApiKeyResponse> {
        const auto known = auth::Sha256(key);
        if (sha256 != std::string(known.begin(), known.end())) return status::NotFound("API key");
        organizations::v1::VerifyApiKeyResponse response;
        response.set_organization_uuid(kOrganization);
        return response;
      }};
  ApiKeyCallers callers_{authenticator_};
};

TEST_CASE("a key is taken from either header and the case of bearer does not count") {
  Fixture fixture;
  CHECK(fixture.Resolve({{"x-api-key", fixture.key}}).ok());
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER "}) {
    CHECK(fixture.Resolve({{"authorization", scheme + fixture.key}, {"x-request-id", "1"}}).ok());
  }
}

TEST_CASE("everything but exactly one good key is refused alike") {
  Fixture fixture;
  const std::string bearer = "Bearer " + fixture.key;
  const std::vector<Entries> refused = {
      {},
      {{"authorization", ""}},
      {{"authorization", "Bearer"}},
      {{"authorization", "Bearer "}},
      {{"authorization", "Bearer  " + fixture.key}},
      {{"authorization", "Basic " + fixture.key}},
      {{"authorization", fixture.key}},
      {{"authorization", bearer + " "}},
      {{"x-api-key", ""}},
      {{"x-api-key", bearer}},
      {{"x-api-key", fixture.key.substr(1)}},
      {{"x-api-key", auth::NewApiKey()}},
      {{"x-api-key", fixture.key}, {"authorization", bearer}},
      {{"x-api-key", fixture.key}, {"x-api-key", fixture.key}},
      {{"authorization", bearer}, {"authorization", bearer}},
      {{"x-api-key", fixture.key}, {"authorization", "Basic eA=="}},
      {{"alma-principal-bin", fixture.key}},
  };
  for (const Entries& entries : refused) {
    CAPTURE(&entries - refused.data());
    CHECK(fixture.Resolve(entries) == status::ApiKeyInvalid());
  }
}

auth::v1::Principal SomePrincipal() {
  auth::v1::Principal principal;
  principal.set_organization_uuid(kOrganization);
  principal.add_scopes(std::string(auth::kAgentsRead));
  principal.mutable_issued_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 1);
  principal.mutable_expires_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 60);
  return principal;
}

TEST_CASE("a signed principal is taken as it was signed") {
  PrincipalCallers callers(kSecrets);
  const Entries entries = {
      {"alma-principal-bin", auth::PrincipalSigner(kSecrets).Sign(SomePrincipal())}};
  const auto caller = callers.Resolve(MetadataOf(entries), absl::InfiniteFuture());
  REQUIRE(caller.ok());
  CHECK((*caller)->organization_uuid() == kOrganization);
  CHECK(CheckScope(**caller, auth::kAgentsRead).ok());
}

TEST_CASE("calls with the bytes of one signed principal share it") {
  PrincipalCallers callers(kSecrets);
  const Entries entries = {
      {"alma-principal-bin", auth::PrincipalSigner(kSecrets).Sign(SomePrincipal())}};
  const auto first = callers.Resolve(MetadataOf(entries), absl::InfiniteFuture());
  const auto second = callers.TryResolve(MetadataOf(entries));
  REQUIRE(first.ok());
  REQUIRE(second.has_value());
  REQUIRE(second->ok());
  CHECK(first->get() == (*second)->get());
}

TEST_CASE("everything but exactly one good principal is refused alike") {
  PrincipalCallers callers(kSecrets);
  const auth::PrincipalSigner signer(kSecrets);
  const std::string good = signer.Sign(SomePrincipal());
  auth::v1::Principal expired = SomePrincipal();
  expired.mutable_expires_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 60);
  const auth::PrincipalSigner other(auth::Secrets{{std::string(32, 'o')}});
  const std::vector<Entries> refused = {
      {},
      {{"alma-principal-bin", ""}},
      {{"alma-principal-bin", "garbage"}},
      {{"alma-principal-bin", good.substr(1)}},
      {{"alma-principal-bin", good}, {"alma-principal-bin", good}},
      {{"alma-principal-bin", good}, {"alma-principal-bin", ""}},
      {{"alma-principal-bin", SomePrincipal().SerializeAsString()}},
      {{"alma-principal-bin", other.Sign(SomePrincipal())}},
      {{"alma-principal-bin", signer.Sign(expired)}},
      {{"alma-principal", good}},
      {{"authorization", "Bearer " + auth::NewApiKey()}},
  };
  for (const Entries& entries : refused) {
    CAPTURE(&entries - refused.data());
    CHECK(callers.Resolve(MetadataOf(entries), absl::InfiniteFuture()).status() ==
          status::ApiKeyInvalid());
  }
}

TEST_CASE("a caller without the scope is told which") {
  const absl::Status refused = CheckScope(SomePrincipal(), auth::kAgentsWrite);
  CHECK(absl::IsPermissionDenied(refused));
  CHECK(refused == status::ScopeMissing("agents.write"));
  CHECK_FALSE(CheckScope(SomePrincipal(), "").ok());
}

}  // namespace
}  // namespace alma::rpc
