#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/auth/mac.h"
#include "common/auth/principal.h"
#include "common/auth/scopes.h"
#include "common/rpc/caller.h"
#include "common/status/status.h"
#include "tests/fuzz/require.h"

// An input is what stands in the metadata, and once more what one of us might have signed.
namespace alma::fuzz {
namespace {

using auth::v1::Principal;

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

const auth::Secrets& Secrets() {
  static const auto* const secrets = new auth::Secrets{{std::string(32, 's')}};
  return *secrets;
}

const auth::PrincipalSigner& Signer() {
  static const auto* const signer = new auth::PrincipalSigner(Secrets());
  return *signer;
}

// `bytes` under a signature that is right, which are no principal for all that.
std::string SignedBytes(const std::string& bytes) {
  static const auto* const keys = new auth::MacKeys(Secrets(), "alma principal v1");
  auth::v1::SignedPrincipal envelope;
  const auth::Mac mac = keys->Sign(bytes);
  envelope.set_principal(bytes);
  envelope.set_signature(mac.data(), mac.size());
  return envelope.SerializeAsString();
}

void CheckStranger(std::string_view bytes) {
  const auto principal = Signer().Verify(bytes, kNow);
  Require(principal.status() == status::ApiKeyInvalid(), "a principal that nobody signed");
}

void CheckSigned(const std::string& bytes) {
  const std::string envelope = SignedBytes(bytes);
  const auto verified = Signer().Verify(envelope, kNow);
  Principal principal;
  if (!principal.ParseFromString(bytes)) {
    Require(verified.status() == status::ApiKeyInvalid(), "a principal that does not parse");
    return;
  }
  Require(verified.ok() || verified.status() == status::ApiKeyInvalid(), "one text for refusals");
  const bool names_caller =
      !principal.organization_uuid().empty() || auth::HasScope(principal, auth::kInternal);
  Require(!verified.ok() || (names_caller && principal.has_expires_at()), "a principal of nobody");
  if (verified.ok()) {
    Require(verified->SerializeAsString() == principal.SerializeAsString(), "what was signed");
    Require(Signer().Verify(Signer().Sign(principal), kNow).ok(), "what is signed once more");
    const absl::Time late =
        absl::FromUnixSeconds(principal.expires_at().seconds()) + absl::Seconds(31);
    Require(!Signer().Verify(envelope, late).ok(), "a principal that has expired");
  }
}

// Any bit of the envelope that is turned makes it a stranger's.
void CheckAltered(const std::string& bytes) {
  std::string envelope = SignedBytes(bytes);
  const size_t position = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  envelope[envelope.size() - 1 - position % auth::Mac().size()] ^= 1;
  CheckStranger(envelope);
}

void CheckCallers(const std::string& bytes) {
  rpc::PrincipalCallers callers(Secrets());
  rpc::Metadata metadata;
  metadata.emplace(rpc::kPrincipal, bytes);
  metadata.emplace(rpc::kPrincipal, bytes);
  Require(callers.Resolve(metadata, absl::InfiniteFuture()).status() == status::ApiKeyInvalid(),
          "two principals");
}

}  // namespace
}  // namespace alma::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  alma::fuzz::CheckStranger(bytes);
  alma::fuzz::CheckSigned(bytes);
  alma::fuzz::CheckAltered(bytes);
  alma::fuzz::CheckCallers(bytes);
  return 0;
}
