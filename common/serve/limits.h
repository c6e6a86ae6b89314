#pragma once

#include "absl/status/statusor.h"
#include "common/limit/limiter.h"

namespace alma::serve {

// Those of --key_rate, --key_burst and --organization_concurrency, for programs that check API
// keys. INVALID_ARGUMENT for values out of range.
absl::StatusOr<limit::Limits> LimitsFromFlags();

}  // namespace alma::serve
