#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "common/text/checks.h"
#include "common/text/violations.h"
#include "google/protobuf/struct.pb.h"

// Checks of whole requests that every service shares.
namespace alma::text {

// INVALID_ARGUMENT: `field` is not set.
inline absl::Status Missing(std::string_view field) {
  Violations violations;
  violations.Add(field, "must be set");
  return violations.ToStatus();
}

// Of a request that has nothing but a uuid.
template <typename Request>
absl::Status ValidateUuid(Request& request) {
  Violations violations;
  CheckUuid(violations, "uuid", request.mutable_uuid());
  return violations.ToStatus();
}

// CheckStruct; makes the object what is stored where nothing is wrong.
inline void CheckMetaData(Violations& violations, std::string_view field,
                          google::protobuf::Struct* meta_data) {
  CheckStruct(violations, field, *meta_data);
  if (violations.empty()) NormalizeStruct(meta_data);
}

inline void CheckNotNegative(Violations& violations, std::string_view field, int64_t number) {
  if (number < 0) violations.Add(field, "must not be negative");
}

// Of a request that has a uuid and the revision expected.
template <typename Request>
absl::Status ValidateDelete(Request& request) {
  Violations violations;
  CheckUuid(violations, "uuid", request.mutable_uuid());
  CheckNotNegative(violations, "revision", request.revision());
  return violations.ToStatus();
}

}  // namespace alma::text
