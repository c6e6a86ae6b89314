#pragma once

#include <functional>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace alma::testing {

// Waits until `condition` holds, `timeout` at most; whether it does.
inline bool Eventually(const std::function<bool()>& condition,
                       absl::Duration timeout = absl::Seconds(5)) {
  const absl::Time end = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > end) return false;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return true;
}

}  // namespace alma::testing
