#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace alma::limit {

// How long something takes, the newer times counting for more. Not thread-safe.
class Pace {
 public:
  void Add(absl::Duration taken) {
    taken = std::min(taken, kLongest);
    mean_ = mean_ == absl::ZeroDuration() ? taken : mean_ + (taken - mean_) * kNewest;
  }
  // Zero before the first.
  absl::Duration mean() const { return mean_; }

 private:
  // After some 20 times the older ones are forgotten.
  static constexpr double kNewest = 0.1;
  // What took longer stood still, which whoever waits in front knows better; it must not be taken
  // for the pace long after it has ended.
  static constexpr absl::Duration kLongest = absl::Seconds(1);

  absl::Duration mean_;
};

// Whether work that would probably have to wait for so long is to be refused: the wait is a guess,
// and what begins at its deadline is done for nobody.
inline bool TooLong(absl::Duration wait, absl::Duration left) {
  return wait > absl::ZeroDuration() && wait > left / 2;
}

}  // namespace alma::limit
