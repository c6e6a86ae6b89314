#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "common/text/checks.h"
#include "common/text/violations.h"
#include "google/protobuf/struct.pb.h"

// What validate.cc and validate_messages.cc share.
namespace alma::conversations {

// INVALID_ARGUMENT: `field` is not set.
inline absl::Status Missing(std::string_view field) {
  text::Violations violations;
  violations.Add(field, "must be set");
  return violations.ToStatus();
}

// Of a request that has nothing but a uuid.
template <typename Request>
absl::Status ValidateUuid(Request& request) {
  text::Violations violations;
  text::CheckUuid(violations, "uuid", request.mutable_uuid());
  return violations.ToStatus();
}

inline void CheckMetaData(text::Violations& violations, std::string_view field,
                          google::protobuf::Struct* meta_data) {
  text::CheckStruct(violations, field, *meta_data);
  if (violations.empty()) text::NormalizeStruct(meta_data);
}

inline void CheckNotNegative(text::Violations& violations, std::string_view field, int64_t number) {
  if (number < 0) violations.Add(field, "must not be negative");
}

// Of a request that has a uuid and the revision expected.
template <typename Request>
absl::Status ValidateDelete(Request& request) {
  text::Violations violations;
  text::CheckUuid(violations, "uuid", request.mutable_uuid());
  CheckNotNegative(violations, "revision", request.revision());
  return violations.ToStatus();
}

}  // namespace alma::conversations
