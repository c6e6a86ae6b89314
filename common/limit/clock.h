#pragma once

#include <chrono>
#include <functional>

#include "absl/time/time.h"

namespace alma::limit {

// Time since some moment; never goes back.
using Clock = std::function<absl::Duration()>;

inline absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace alma::limit
