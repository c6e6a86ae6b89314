#include "common/serve/limits.h"

#include "absl/flags/flag.h"

ABSL_FLAG(double, key_rate, 50'000,
          "Calls per second that an API key may begin in the long run, 0.001 to 1000000; 0 for any "
          "number. Beyond, calls are refused with RESOURCE_EXHAUSTED (RATE_LIMITED).");
ABSL_FLAG(double, key_burst, 0,
          "Calls that a key may begin at once after a rest, 1 to 1000000; 0 for what it may begin "
          "in a second, at least 1.");
ABSL_FLAG(int, organization_concurrency, 400,
          "Calls of an organization at a time, an open stream being one; 0 for any number.");

namespace alma::serve {
namespace {

constexpr double kMinRate = 0.001;
constexpr double kMost = 1'000'000;

}  // namespace

absl::StatusOr<limit::Limits> LimitsFromFlags() {
  limit::Limits limits{.key_rate = absl::GetFlag(FLAGS_key_rate),
                       .key_burst = absl::GetFlag(FLAGS_key_burst),
                       .organization_concurrency = absl::GetFlag(FLAGS_organization_concurrency)};
  // Written so that NaN is refused too.
  if (limits.key_rate != 0 && !(limits.key_rate >= kMinRate && limits.key_rate <= kMost)) {
    return absl::InvalidArgumentError("--key_rate: 0, or 0.001 to 1000000");
  }
  if (limits.key_burst != 0 && !(limits.key_burst >= 1 && limits.key_burst <= kMost)) {
    return absl::InvalidArgumentError("--key_burst: 0, or 1 to 1000000");
  }
  if (limits.organization_concurrency < 0) {
    return absl::InvalidArgumentError("--organization_concurrency: at least 0");
  }
  if (limits.key_burst == 0) limits.key_burst = limits.key_rate < 1 ? 1 : limits.key_rate;
  return limits;
}

}  // namespace alma::serve
