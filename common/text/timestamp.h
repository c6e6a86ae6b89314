#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

// Timestamps as both databases exchange them: UTC text, years 0001 to 9999, microseconds.
namespace alma::text {

// Seconds since 1970 of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z.
inline constexpr std::int64_t kMinTimestampSeconds = -62135596800;
inline constexpr std::int64_t kMaxTimestampSeconds = 253402300799;

// Whether its seconds are within these two and its nanos within 0..999999999.
bool IsValid(const google::protobuf::Timestamp& timestamp);

// "YYYY-MM-DD HH:MM:SS.ffffff+00", always six digits, so that it sorts as text. Nanoseconds below
// a microsecond are cut off. `timestamp` must be valid.
std::string FormatTimestamp(const google::protobuf::Timestamp& timestamp);

// Reads what FormatTimestamp writes and what PostgreSQL prints (datestyle ISO, timezone UTC): 0 to
// 6 fraction digits, "+00". Anything else is false and leaves `timestamp` as it was.
[[nodiscard]] bool ParseTimestamp(std::string_view text, google::protobuf::Timestamp* timestamp);

// False, and leaves `timestamp` as it was, beyond the years that there are.
[[nodiscard]] bool FromMicros(std::chrono::sys_time<std::chrono::microseconds> time,
                              google::protobuf::Timestamp* timestamp);

// Cuts off what is below a microsecond; databases keep no more.
void TruncateToMicros(google::protobuf::Timestamp* timestamp);

absl::Time ToTime(const google::protobuf::Timestamp& timestamp);

// The wall clock, truncated to microseconds.
google::protobuf::Timestamp Now();

}  // namespace alma::text
