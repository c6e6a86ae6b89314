#include "tests/bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace alma::bench {
namespace {

constexpr int kBits = 6;
constexpr int64_t kWidth = int64_t{1} << kBits;

// Values below 2 * kWidth have a bucket each; above, each power of two has kWidth of them.
size_t BucketOf(int64_t value) {
  const int width = static_cast<int>(std::bit_width(static_cast<uint64_t>(value)));
  const int shift = std::max(width - kBits - 1, 0);
  return static_cast<size_t>(shift * kWidth + (value >> shift));
}

int64_t HighestOf(size_t bucket) {
  const auto index = static_cast<int64_t>(bucket);
  const int64_t shift = std::max<int64_t>(index / kWidth - 1, 0);
  const auto next = static_cast<uint64_t>(index - shift * kWidth + 1) << shift;
  return static_cast<int64_t>(next - 1);
}

}  // namespace

Histogram::Histogram() : counts_(BucketOf(INT64_MAX) + 1) {}

void Histogram::Record(int64_t nanos) {
  const int64_t value = std::max<int64_t>(nanos, 0);
  ++counts_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::Mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

int64_t Histogram::Percentile(double fraction) const {
  const auto rank = static_cast<int64_t>(std::ceil(fraction * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen > 0 && seen >= rank) return std::min(HighestOf(i), max_);
  }
  return 0;
}

}  // namespace alma::bench
