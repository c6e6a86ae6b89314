#include "common/text/checks.h"

#include <algorithm>
#include <optional>

#include "common/id/uuid.h"
#include "common/text/timestamp.h"
#include "common/text/utf8.h"

namespace alma::text {
namespace {

// Number of code points; nullopt, with a violation added, where no database can hold the text.
std::optional<std::size_t> CheckStorable(Violations& violations, std::string_view field,
                                         std::string_view value) {
  const std::optional<std::size_t> code_points = CountCodePoints(value);
  if (!code_points) {
    violations.Add(field, "must be valid UTF-8");
    return std::nullopt;
  }
  if (value.find('\0') != std::string_view::npos) {
    violations.Add(field, "must not contain NUL");
    return std::nullopt;
  }
  return code_points;
}

void CheckLine(Violations& violations, std::string_view field, std::string_view value,
               Presence presence, std::size_t max_code_points) {
  if (value.empty()) {
    if (presence == Presence::kRequired) violations.Add(field, "must not be empty");
    return;
  }
  const std::optional<std::size_t> code_points = CheckStorable(violations, field, value);
  if (!code_points) return;
  if (*code_points > max_code_points) {
    violations.Add(field, "must have at most " + std::to_string(max_code_points) + " characters");
  } else if (IsBlank(value)) {
    violations.Add(field, "must not be blank");
  }
}

}  // namespace

void CheckName(Violations& violations, std::string_view field, std::string_view value,
               Presence presence) {
  CheckLine(violations, field, value, presence, kMaxNameCodePoints);
}

void CheckWord(Violations& violations, std::string_view field, std::string_view value,
               Presence presence) {
  CheckLine(violations, field, value, presence, kMaxWordCodePoints);
}

void CheckContent(Violations& violations, std::string_view field, std::string_view value,
                  Presence presence) {
  if (value.empty() && presence == Presence::kRequired) {
    violations.Add(field, "must not be empty");
  } else if (value.size() > kMaxContentBytes) {
    violations.Add(field, "must have at most 256 KiB");
  } else {
    CheckStorable(violations, field, value);
  }
}

void CheckUuid(Violations& violations, std::string_view field, std::string* value,
               Presence presence) {
  if (value->empty()) {
    if (presence == Presence::kRequired) violations.Add(field, "must not be empty");
  } else if (!id::ParseUuid(*value, value)) {
    violations.Add(field, "must be a UUID in its 8-4-4-4-12 form and not the nil UUID");
  }
}

void CheckTimestamp(Violations& violations, std::string_view field,
                    const google::protobuf::Timestamp& value) {
  if (value.seconds() < kMinTimestampSeconds || value.seconds() > kMaxTimestampSeconds) {
    violations.Add(field, "must lie in the years 0001 to 9999");
  } else if (!IsValid(value)) {
    violations.Add(field, "must have nanos of 0 to 999999999");
  }
}

std::int32_t CheckPageSize(Violations& violations, std::int32_t page_size) {
  if (page_size < 0) violations.Add("page_size", "must not be negative");
  if (page_size <= 0) return kDefaultPageSize;
  return std::min(page_size, kMaxPageSize);
}

}  // namespace alma::text
