#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "services/gateway/backend.h"
#include "services/gateway/principals.h"

namespace alma::gateway {

// How long the look-up of a key takes at most: it holds a worker.
inline constexpr absl::Duration kVerifyTimeout = absl::Seconds(2);

// Asks the organizations service for a key, in the gateway's own name; blocks. NOT_FOUND where the
// key lets nobody in; DEADLINE_EXCEEDED; UNAVAILABLE for everything else, so that a gateway that
// cannot ask lets nobody in.
absl::StatusOr<organizations::v1::VerifyApiKeyResponse> VerifyApiKey(
    Backend& organizations, Principals& principals, const std::string& secret_sha256,
    absl::Time deadline);

}  // namespace alma::gateway
