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
constexpr std::int32_t kNanosPerSecond = 1'000'000'000;
constexpr std::string_view kSecondsForm = "YYYY-MM-DD HH:MM:SS";
constexpr std::string_view kZone = "+00";
constexpr std::size_t kMaxFractionDigits = 6;

bool IsOfSomeYear(std::int64_t since_1970) {
  return since_1970 >= kMinTimestampSeconds && since_1970 <= kMaxTimestampSeconds;
}

// Writes `number` right-aligned into `width` characters that hold zeros.
void Put(std::int64_t number, std::size_t width, char* at) {
  for (std::size_t i = width; i-- > 0; number /= 10) at[i] = static_cast<char>('0' + number % 10);
}

// Reads numbers of a fixed width out of a text.
class Digits {
 public:
  explicit Digits(const char* text) : text_(text) {}

  int Number(std::size_t at, std::size_t width) {
    int number = 0;
    for (std::size_t i = at; i < at + width; ++i) {
      const int digit = static_cast<unsigned char>(text_[i]) - '0';
      all_digits_ &= digit >= 0 && digit <= 9;
      number = number * 10 + digit;
    }
    return number;
  }

  // Whether every number so far was one.
  bool all_digits() const { return all_digits_; }

 private:
  const char* const text_;
  bool all_digits_ = true;
};

bool HasMarks(std::string_view text) {
  return text[4] == '-' && text[7] == '-' && text[10] == ' ' && text[13] == ':' && text[16] == ':';
}

// `fraction` begins with its point, or is empty.
std::int32_t FractionNanos(std::string_view fraction, bool* valid) {
  if (fraction.empty()) return 0;
  const std::size_t count = fraction.size() - 1;
  *valid &= fraction.front() == '.' && count > 0 && count <= kMaxFractionDigits;
  if (!*valid) return 0;
  Digits digits(fraction.data());
  std::int32_t nanos = digits.Number(1, count);
  *valid = digits.all_digits();
  if (!*valid) return 0;
  for (std::size_t i = count; i < 9; ++i) nanos *= 10;
  return nanos;
}

}  // namespace

bool IsValid(const Timestamp& timestamp) {
  return IsOfSomeYear(timestamp.seconds()) && timestamp.nanos() >= 0 &&
         timestamp.nanos() < kNanosPerSecond;
}

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

bool ParseTimestamp(std::string_view text, Timestamp* timestamp) {
  if (text.size() < kSecondsForm.size() + kZone.size() || !text.ends_with(kZone)) return false;
  text.remove_suffix(kZone.size());
  Digits digits(text.data());
  const int year = digits.Number(0, 4);
  const std::chrono::month month(static_cast<unsigned>(digits.Number(5, 2)));
  const std::chrono::day day(static_cast<unsigned>(digits.Number(8, 2)));
  const int hour = digits.Number(11, 2);
  const int minute = digits.Number(14, 2);
  const int second = digits.Number(17, 2);
  bool valid = digits.all_digits() && HasMarks(text);
  const std::int32_t nanos = FractionNanos(text.substr(kSecondsForm.size()), &valid);
  const std::chrono::year_month_day date(std::chrono::year(year), month, day);
  if (!valid || !date.ok() || year < 1 || hour > 23 || minute > 59 || second > 59) return false;
  timestamp->set_seconds(seconds(sys_days(date).time_since_epoch()).count() + hour * 3600 +
                         minute * 60 + second);
  timestamp->set_nanos(nanos);
  return true;
}

bool FromMicros(std::chrono::sys_time<std::chrono::microseconds> time, Timestamp* timestamp) {
  const auto whole = std::chrono::floor<seconds>(time);
  const std::int64_t since_1970 = whole.time_since_epoch().count();
  if (!IsOfSomeYear(since_1970)) return false;
  timestamp->set_seconds(since_1970);
  timestamp->set_nanos(static_cast<std::int32_t>((time - whole).count()) * kNanosPerMicro);
  return true;
}

void TruncateToMicros(Timestamp* timestamp) {
  timestamp->set_nanos(timestamp->nanos() / kNanosPerMicro * kNanosPerMicro);
}

absl::Time ToTime(const Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

Timestamp Now() {
  Timestamp timestamp;
  // The wall clock does not leave them.
  static_cast<void>(FromMicros(
      std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()), &timestamp));
  return timestamp;
}

}  // namespace alma::text
