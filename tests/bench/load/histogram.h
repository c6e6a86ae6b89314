#pragma once

#include <cstdint>
#include <vector>

namespace alma::bench {

// Counts durations in buckets whose width grows with the value, so that any of them is known to
// 1.6 % (64 buckets to a power of two) in a fixed 30 KiB. Not thread-safe.
class Histogram {
 public:
  Histogram();

  // Durations are nanoseconds; negative ones count as 0.
  void Record(int64_t nanos);
  void Merge(const Histogram& other);

  int64_t count() const { return count_; }
  int64_t max() const { return max_; }
  // 0 where nothing was recorded.
  double Mean() const;
  // The highest value of the bucket that holds the smallest value which `fraction` of all do not
  // exceed (nearest rank); at most max(). 0 where nothing was recorded.
  int64_t Percentile(double fraction) const;

 private:
  std::vector<int64_t> counts_;
  int64_t count_ = 0;
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace alma::bench
