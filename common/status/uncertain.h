#pragma once

#include "absl/status/status.h"

namespace alma::status {

// Whether a write that ended so may have been carried out all the same: its connection may have
// died at the commit.
constexpr bool IsUncertain(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace alma::status
