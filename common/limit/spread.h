#pragma once

#include "absl/time/time.h"

namespace alma::limit {

// `wait` and up to half of it more, at random: those who are refused together must not all come
// back in the same moment.
absl::Duration Spread(absl::Duration wait);

}  // namespace alma::limit
