#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/text/checks.h"
#include "common/text/violations.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/struct.pb.h"

// Checks of whole requests that every service shares.
namespace alma::text {

// INVALID_ARGUMENT: `field` is not set.
inline absl::Status Missing(std::string_view field) {
  Violations violations;
  violations.Add(field, "must be set");
  return violations.ToStatus();
}

// CheckStruct; makes an object in which nothing is wrong what is stored. Whether it is one.
inline bool CheckFreeJson(Violations& violations, std::string_view field,
                          google::protobuf::Struct* json) {
  if (!CheckStruct(violations, field, *json)) return false;
  NormalizeStruct(json);
  return true;
}

inline void CheckNotNegative(Violations& violations, std::string_view field, int64_t number) {
  if (number < 0) violations.Add(field, "must not be negative");
}

// Calls `check(path, item)`, which may change the item, for each of `items`, then looks for
// repetitions.
template <typename Check>
void CheckEach(Violations& violations, const std::string& field,
               google::protobuf::RepeatedPtrField<std::string>& items, Check check) {
  std::set<std::string_view> seen;
  for (int i = 0; i < items.size(); ++i) {
    const std::string path = field + "[" + std::to_string(i) + "]";
    check(path, items[i]);
    if (!items[i].empty() && !seen.insert(items[i]).second) {
      violations.Add(path, "is in the list already");
    }
  }
}

}  // namespace alma::text
