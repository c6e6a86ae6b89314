#include "common/limit/spread.h"

#include <random>

namespace alma::limit {

absl::Duration Spread(absl::Duration wait) {
  thread_local std::minstd_rand random(std::random_device{}());
  return wait * std::uniform_real_distribution<double>(1.0, 1.5)(random);
}

}  // namespace alma::limit
