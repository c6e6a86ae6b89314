#include "common/text/timestamp.h"

#include <chrono>
#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "catch2/catch.hpp"

namespace alma::text {
namespace {

using google::protobuf::Timestamp;

Timestamp At(std::int64_t seconds, std::int32_t nanos) {
  Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(nanos);
  return timestamp;
}

TEST_CASE("timestamps are written with six digits in UTC") {
  const struct {
    std::int64_t seconds;
    std::int32_t nanos;
    std::string text;
  } cases[] = {
      {0, 0, "1970-01-01 00:00:00.000000+00"},
      {0, 999, "1970-01-01 00:00:00.000000+00"},
      {0, 1000, "1970-01-01 00:00:00.000001+00"},
      {0, 999'999'999, "1970-01-01 00:00:00.999999+00"},
      {-1, 500'000'000, "1969-12-31 23:59:59.500000+00"},
      {951782400, 0, "2000-02-29 00:00:00.000000+00"},
      {1709251199, 123'456'000, "2024-02-29 23:59:59.123456+00"},
      {-2203891200, 0, "1900-03-01 00:00:00.000000+00"},
      {kMinTimestampSeconds, 0, "0001-01-01 00:00:00.000000+00"},
      {kMaxTimestampSeconds, 999'999'999, "9999-12-31 23:59:59.999999+00"},
  };
  for (const auto& expected : cases) {
    const std::string text = FormatTimestamp(At(expected.seconds, expected.nanos));
    CHECK(text == expected.text);
    Timestamp parsed;
    REQUIRE(ParseTimestamp(text, &parsed));
    CHECK(parsed.seconds() == expected.seconds);
    CHECK(parsed.nanos() == expected.nanos / 1000 * 1000);
  }
}

TEST_CASE("every month of every year agrees with civil time and sorts as text") {
  std::string previous;
  for (int year = 1; year <= 9999; ++year) {
    for (int month = 1; month <= 12; ++month) {
      // The last second of the month: leap days included.
      const absl::CivilSecond civil = absl::CivilSecond(absl::CivilMonth(year, month) + 1) - 1;
      const std::int64_t seconds = absl::ToUnixSeconds(absl::FromCivil(civil, absl::UTCTimeZone()));
      const std::string text = FormatTimestamp(At(seconds, 7000));
      REQUIRE(text == absl::FormatTime("%E4Y-%m-%d %H:%M:%S.000007+00",
                                       absl::FromUnixSeconds(seconds), absl::UTCTimeZone()));
      Timestamp parsed;
      REQUIRE(ParseTimestamp(text, &parsed));
      REQUIRE(parsed.seconds() == seconds);
      REQUIRE(previous < text);
      previous = text;
    }
  }
}

TEST_CASE("microseconds since 1970 are a time in the years 1 to 9999") {
  using std::chrono::microseconds;
  using Time = std::chrono::sys_time<microseconds>;
  constexpr std::int64_t kMicros = 1'000'000;
  const struct {
    Time time;
    std::int64_t seconds;
    std::int32_t nanos;
  } cases[] = {
      {Time(microseconds(0)), 0, 0},
      {Time(microseconds(1'500'001)), 1, 500'001'000},
      {Time(microseconds(-1)), -1, 999'999'000},
      {Time(microseconds(kMinTimestampSeconds * kMicros)), kMinTimestampSeconds, 0},
      {Time(microseconds(kMaxTimestampSeconds * kMicros + 999'999)), kMaxTimestampSeconds,
       999'999'000},
  };
  for (const auto& expected : cases) {
    Timestamp read;
    CHECK(FromMicros(expected.time, &read));
    CHECK(read.seconds() == expected.seconds);
    CHECK(read.nanos() == expected.nanos);
  }
  for (const Time time :
       {Time(microseconds(kMinTimestampSeconds * kMicros - 1)),
        Time(microseconds((kMaxTimestampSeconds + 1) * kMicros)), Time::min(), Time::max()}) {
    Timestamp kept = At(7, 7000);
    CHECK_FALSE(FromMicros(time, &kept));
    CHECK(kept.seconds() == 7);
    CHECK(kept.nanos() == 7000);
  }
}

TEST_CASE("zero to six fraction digits are read") {
  const struct {
    std::string fraction;
    std::int32_t nanos;
  } cases[] = {{"", 0},
               {".5", 500'000'000},
               {".05", 50'000'000},
               {".123", 123'000'000},
               {".1234", 123'400'000},
               {".12345", 123'450'000},
               {".123456", 123'456'000},
               {".000001", 1000},
               {".999999", 999'999'000}};
  for (const auto& expected : cases) {
    Timestamp parsed = At(1, 1);
    REQUIRE(ParseTimestamp("2024-02-29 12:34:56" + expected.fraction + "+00", &parsed));
    CHECK(parsed.seconds() == 1709210096);
    CHECK(parsed.nanos() == expected.nanos);
  }
}

TEST_CASE("other texts are no timestamps") {
  for (const std::string text : {"",
                                 "+00",
                                 "2024-02-29",
                                 "2024-02-29 12:34:56",
                                 "2024-02-29 12:34:56Z",
                                 "2024-02-29T12:34:56+00",
                                 "2024-02-29 12:34:56+01",
                                 "2024-02-29 12:34:56+00:00",
                                 "2024-02-29 12:34:56-00",
                                 "2024-02-29 12:34:56.+00",
                                 "2024-02-29 12:34:56.1234567+00",
                                 "2024-02-29 12:34:56.12x+00",
                                 "2024-02-29 12:34:56,5+00",
                                 "2024-02-29 12:34:561+00",
                                 "2023-02-29 00:00:00+00",
                                 "1900-02-29 00:00:00+00",
                                 "2024-13-01 00:00:00+00",
                                 "2024-00-01 00:00:00+00",
                                 "2024-01-00 00:00:00+00",
                                 "2024-04-31 00:00:00+00",
                                 "2024-01-01 24:00:00+00",
                                 "2024-01-01 00:60:00+00",
                                 "2024-01-01 00:00:60+00",
                                 "0000-01-01 00:00:00+00",
                                 "0044-03-15 00:00:00+00 BC",
                                 "12024-01-01 00:00:00+00",
                                 "infinity",
                                 "-infinity",
                                 " 2024-01-01 00:00:00+00",
                                 "2024-01-01 00:00:00+00 ",
                                 "2024-01-0a 00:00:00+00",
                                 "2024-01/01 00:00:00+00",
                                 "2024/01-01 00:00:00+00",
                                 "2024-01-01 00.00:00+00",
                                 "2024-01-01 00:00.00+00",
                                 "202\xB4-01-01 00:00:00+00",
                                 "2024-01-01 00:00:00.-1+00",
                                 "2024-01-01 00:00:00.\xFF+00",
                                 "-024-01-01 00:00:00+00"}) {
    INFO(text);
    Timestamp timestamp = At(5, 7000);
    CHECK_FALSE(ParseTimestamp(text, &timestamp));
    CHECK(timestamp.seconds() == 5);
    CHECK(timestamp.nanos() == 7000);
  }
}

TEST_CASE("truncation cuts what is below a microsecond and goes back in time before 1970") {
  Timestamp timestamp = At(-5, 123'456'789);
  TruncateToMicros(&timestamp);
  CHECK(timestamp.seconds() == -5);
  CHECK(timestamp.nanos() == 123'456'000);
  TruncateToMicros(&timestamp);
  CHECK(timestamp.nanos() == 123'456'000);
}

TEST_CASE("now is the wall clock in whole microseconds") {
  const absl::Time before = absl::Now() - absl::Microseconds(1);
  const Timestamp now = Now();
  const absl::Time time = absl::FromUnixSeconds(now.seconds()) + absl::Nanoseconds(now.nanos());
  CHECK(time >= before);
  CHECK(time <= absl::Now());
  CHECK(now.nanos() % 1000 == 0);
}

}  // namespace
}  // namespace alma::text
