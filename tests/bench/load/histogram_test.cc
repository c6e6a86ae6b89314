#include "tests/bench/load/histogram.h"

#include "catch2/catch.hpp"

namespace alma::bench {
namespace {

TEST_CASE("a histogram of durations answers small ones exactly") {
  Histogram histogram;
  for (int64_t value = 1; value <= 100; ++value) histogram.Record(value);
  CHECK(histogram.count() == 100);
  CHECK(histogram.max() == 100);
  CHECK(histogram.Mean() == Approx(50.5));
  CHECK(histogram.Percentile(0.01) == 1);
  CHECK(histogram.Percentile(0.5) == 50);
  CHECK(histogram.Percentile(0.99) == 99);
  CHECK(histogram.Percentile(1) == 100);
}

TEST_CASE("a histogram of durations is right to a 64th at any size") {
  for (int64_t value = 1; value < (int64_t{1} << 60); value = value * 3 + 1) {
    Histogram histogram;
    histogram.Record(value);
    // So that the maximum does not hide the bucket's width.
    histogram.Record(INT64_MAX);
    const int64_t found = histogram.Percentile(0.5);
    CAPTURE(value);
    CHECK(found >= value);
    CHECK(found - value <= value / 64);
  }
}

TEST_CASE("a histogram of nothing answers zero") {
  const Histogram histogram;
  CHECK(histogram.Percentile(0.5) == 0);
  CHECK(histogram.Mean() == 0);
}

TEST_CASE("a histogram takes a negative duration for none") {
  Histogram histogram;
  histogram.Record(-5);
  CHECK(histogram.count() == 1);
  CHECK(histogram.Percentile(0.5) == 0);
}

TEST_CASE("merged histograms are as one that saw everything") {
  Histogram whole;
  Histogram first;
  Histogram second;
  for (int64_t value = 1; value < 100'000; value += 7) {
    whole.Record(value);
    (value % 2 == 0 ? first : second).Record(value);
  }
  first.Merge(second);
  CHECK(first.count() == whole.count());
  CHECK(first.max() == whole.max());
  CHECK(first.Mean() == Approx(whole.Mean()));
  for (const double fraction : {0.1, 0.5, 0.9, 0.999}) {
    CHECK(first.Percentile(fraction) == whole.Percentile(fraction));
  }
}

}  // namespace
}  // namespace alma::bench
