#include "common/db/page.h"

#include <algorithm>
#include <vector>

#include "catch2/catch.hpp"

namespace alma::db {
namespace {

constexpr size_t kSmall = 100;

// What ReadPage asked of a table of `rows` rows of `bytes` each.
struct Reading {
  std::vector<int64_t> limits;
  int64_t fit = 0;
  bool more = false;
};

Reading ReadTable(int32_t page_size, int64_t rows, size_t bytes) {
  Reading reading;
  PageCut cut(page_size);
  int64_t left = rows;
  const absl::Status read = ReadPage(cut, [&](int64_t limit) -> absl::StatusOr<int64_t> {
    reading.limits.push_back(limit);
    const int64_t answered = std::min(left, limit);
    left -= answered;
    for (int64_t i = 0; i < answered; ++i) reading.fit += cut.Fits(bytes) ? 1 : 0;
    return answered;
  });
  CHECK(read.ok());
  reading.more = cut.more();
  return reading;
}

TEST_CASE("a page ends at its number of rows") {
  PageCut cut(2);
  CHECK(cut.limit() == 3);
  CHECK(cut.Fits(kSmall));
  CHECK(cut.Fits(kSmall));
  CHECK_FALSE(cut.more());
  CHECK_FALSE(cut.Fits(kSmall));
  CHECK(cut.more());
}

TEST_CASE("a page ends before the row that would take it beyond 3 MiB") {
  PageCut cut(10);
  CHECK(cut.Fits(kMaxPageBytes - kSmall));
  CHECK(cut.Fits(kSmall));
  CHECK_FALSE(cut.Fits(1));
  CHECK_FALSE(cut.Fits(0));
  CHECK(cut.more());
}

TEST_CASE("the first row always fits") {
  PageCut cut(10);
  CHECK(cut.Fits(2 * kMaxPageBytes));
  CHECK_FALSE(cut.Fits(1));
}

TEST_CASE("a page of few bytes has one row at least and asks for fewer at a time") {
  PageCut cut(500, 16 * kAssumedRowBytes);
  CHECK(cut.step() == 16);
  CHECK(cut.Fits(kMaxPageBytes));
  CHECK_FALSE(cut.Fits(1));
  CHECK(PageCut(500, 1).step() == 1);
  CHECK(PageCut(5, 16 * kAssumedRowBytes).step() == 6);
  CHECK(PageCut(500).step() == kMaxRowsPerQuery);
}

TEST_CASE("a small page is read in one step") {
  const Reading reading = ReadTable(50, 51, kSmall);
  CHECK(reading.limits == std::vector<int64_t>{51});
  CHECK(reading.fit == 50);
  CHECK(reading.more);

  const Reading last = ReadTable(50, 50, kSmall);
  CHECK(last.limits == std::vector<int64_t>{51});
  CHECK(last.fit == 50);
  CHECK_FALSE(last.more);
}

TEST_CASE("a large page is read in bounded steps until a row does not fit") {
  const Reading full = ReadTable(1000, 5000, kSmall);
  CHECK(full.limits == std::vector<int64_t>(16, kMaxRowsPerQuery));
  CHECK(full.fit == 1000);
  CHECK(full.more);

  const Reading heavy = ReadTable(1000, 5000, kMaxPageBytes / 3);
  CHECK(heavy.limits.size() == 1);
  CHECK(heavy.fit == 3);
  CHECK(heavy.more);
}

TEST_CASE("a large page ends with the table") {
  const Reading reading = ReadTable(1000, kMaxRowsPerQuery, kSmall);
  CHECK(reading.limits.size() == 2);
  CHECK(reading.fit == kMaxRowsPerQuery);
  CHECK_FALSE(reading.more);
}

TEST_CASE("a query that fails ends the page") {
  PageCut cut(10);
  const auto fails = [](int64_t) -> absl::StatusOr<int64_t> {
    return absl::UnavailableError("gone");
  };
  CHECK(ReadPage(cut, fails).code() == absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace alma::db
