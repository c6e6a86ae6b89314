#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace alma::auth {

// For each of some names the newest number, which grows, and one for all those that it does not
// know. Bounded: when it is full all names have the newest number. Not thread-safe.
template <typename Name>
class Newest {
 public:
  static constexpr size_t kNames = 4096;

  void Set(const Name& name, int64_t number) {
    if (numbers_.size() >= kNames && !numbers_.contains(name)) return SetAll(number);
    numbers_[name] = number;
  }

  void SetAll(int64_t number) {
    numbers_.clear();
    all_ = number;
  }

  // INT64_MIN before there is any.
  int64_t Of(const Name& name) const {
    const auto at = numbers_.find(name);
    return at == numbers_.end() ? all_ : std::max(all_, at->second);
  }

 private:
  absl::flat_hash_map<Name, int64_t> numbers_;
  int64_t all_ = INT64_MIN;
};

}  // namespace alma::auth
