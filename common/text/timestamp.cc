#include "common/text/timestamp.h"

#include <chrono>
#include <cstddef>

namespace alma::text {
namespace {

using google::protobuf::Timestamp;
using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr std::int32_t kNanosPerMicro = 1000;
constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
constexpr std::string_view kZone = "+00";
constexpr std::size_t kMaxFractionDigits = 6;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Writes `number` right-aligned into `width` characters that hold zeros.
void Put(std::int64_t number, std::size_t width, char* at) {
  for (std::size_t i = width; i-- > 0; number /= 10) at[i] = static_cast<char>('0' + number % 10);
}

// The digits of `text`, which holds nothing else.
int Number(std::string_view text) {
  int number = 0;
  for (const char c : text) number = number * 10 + (c - '0');
  return number;
}

bool HasForm(std::string_view text) {
  if (text.size() < kForm.size() + kZone.size() || !text.ends_with(kZone)) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == 'd' ? !IsDigit(text[i]) : text[i] != kForm[i]) return false;
  }
  std::string_view fraction = text.substr(kForm.size());
  fraction.remove_suffix(kZone.size());
  if (fraction.empty()) return true;
  if (fraction.front() != '.' || fraction.size() == 1) return false;
  if (fraction.size() > 1 + kMaxFractionDigits) return false;
  for (const char c : fraction.substr(1)) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

std::int32_t FractionNanos(std::string_view text) {
  text.remove_suffix(kZone.size());
  if (text.size() == kForm.size()) return 0;
  const std::string_view digits = text.substr(kForm.size() + 1);
  std::int32_t nanos = Number(digits);
  for (std::size_t i = digits.size(); i < 9; ++i) nanos *= 10;
  return nanos;
}

}  // namespace

std::string FormatTimestamp(const Timestamp& timestamp) {
  const std::chrono::sys_seconds time{seconds(timestamp.seconds())};
  const sys_days day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::int64_t second = (time - day).count();
  std::string text = "0000-00-00 00:00:00.000000+00";
  Put(static_cast<int>(date.year()), 4, &text[0]);
  Put(static_cast<unsigned>(date.month()), 2, &text[5]);
  Put(static_cast<unsigned>(date.day()), 2, &text[8]);
  Put(second / 3600, 2, &text[11]);
  Put(second / 60 % 60, 2, &text[14]);
  Put(second % 60, 2, &text[17]);
  Put(timestamp.nanos() / kNanosPerMicro, 6, &text[20]);
  return text;
}

absl::StatusOr<Timestamp> ParseTimestamp(std::string_view text) {
  const auto invalid = [] { return absl::InvalidArgumentError("not a timestamp of the database"); };
  if (!HasForm(text)) return invalid();
  const std::chrono::year_month_day date{
      std::chrono::year(Number(text.substr(0, 4))),
      std::chrono::month(static_cast<unsigned>(Number(text.substr(5, 2)))),
      std::chrono::day(static_cast<unsigned>(Number(text.substr(8, 2))))};
  const int hour = Number(text.substr(11, 2));
  const int minute = Number(text.substr(14, 2));
  const int second = Number(text.substr(17, 2));
  if (!date.ok() || date.year() < std::chrono::year(1)) return invalid();
  if (hour > 23 || minute > 59 || second > 59) return invalid();
  Timestamp timestamp;
  timestamp.set_seconds(seconds(sys_days(date).time_since_epoch()).count() + hour * 3600 +
                        minute * 60 + second);
  timestamp.set_nanos(FractionNanos(text));
  return timestamp;
}

void TruncateToMicros(Timestamp* timestamp) {
  timestamp->set_nanos(timestamp->nanos() / kNanosPerMicro * kNanosPerMicro);
}

absl::Time ToTime(const Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

Timestamp Now() {
  const std::int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  Timestamp timestamp;
  timestamp.set_seconds(micros / 1'000'000);
  timestamp.set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * kNanosPerMicro);
  return timestamp;
}

}  // namespace alma::text
