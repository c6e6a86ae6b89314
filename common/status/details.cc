#include "common/status/details.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/wire/append.h"
#include "google/rpc/error_details.pb.h"

namespace alma::status {
namespace {

using errors::v1::ErrorReason;

constexpr std::string_view kReasonPrefix = "ERROR_REASON_";
constexpr std::string_view kDomain = "alma";

// Fields of the messages that protobuf writes maps as.
constexpr int kMapKey = 1;
constexpr int kMapValue = 2;

struct Known {
  std::string_view reason;
  std::string bytes;
  absl::Cord cord;
};

using AllKnown = std::array<Known, errors::v1::ErrorReason_ARRAYSIZE>;

const AllKnown& All() {
  static const auto* const all = [] {
    auto* const made = new AllKnown;
    for (int i = 0; i < errors::v1::ErrorReason_ARRAYSIZE; ++i) {
      Known& known = (*made)[i];
      known.reason = errors::v1::ErrorReason_Name(static_cast<ErrorReason>(i));
      known.reason.remove_prefix(kReasonPrefix.size());
      wire::AppendBytes(google::rpc::ErrorInfo::kReasonFieldNumber, known.reason, &known.bytes);
      wire::AppendBytes(google::rpc::ErrorInfo::kDomainFieldNumber, kDomain, &known.bytes);
      known.cord = absl::Cord(known.bytes);
    }
    return made;
  }();
  return *all;
}

}  // namespace

const absl::Cord& ErrorInfoOf(ErrorReason reason) { return All()[reason].cord; }

void AppendMetadata(std::string_view name, std::string_view value, std::string* error_info) {
  std::string entry;
  wire::AppendBytes(kMapKey, name, &entry);
  wire::AppendBytes(kMapValue, value, &entry);
  wire::AppendBytes(google::rpc::ErrorInfo::kMetadataFieldNumber, entry, error_info);
}

std::string_view ReasonIn(std::string_view error_info) {
  for (const Known& known : All()) {
    if (error_info.starts_with(known.bytes)) return known.reason;
  }
  return {};
}

std::string RetryInfoOf(absl::Duration delay) {
  delay = std::max(delay, absl::ZeroDuration());
  const int64_t seconds = absl::IDivDuration(delay, absl::Seconds(1), &delay);
  const int64_t nanos = absl::ToInt64Nanoseconds(delay);
  std::string duration;
  if (seconds != 0) {
    wire::AppendNumber(google::protobuf::Duration::kSecondsFieldNumber, seconds, &duration);
  }
  if (nanos != 0) {
    wire::AppendNumber(google::protobuf::Duration::kNanosFieldNumber, nanos, &duration);
  }
  std::string retry_info;
  wire::AppendBytes(google::rpc::RetryInfo::kRetryDelayFieldNumber, duration, &retry_info);
  return retry_info;
}

std::optional<absl::Duration> DelayIn(const std::string& retry_info) {
  google::rpc::RetryInfo parsed;
  if (!parsed.ParseFromString(retry_info)) return std::nullopt;
  return absl::Seconds(parsed.retry_delay().seconds()) +
         absl::Nanoseconds(parsed.retry_delay().nanos());
}

}  // namespace alma::status
