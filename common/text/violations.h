#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/status/status.h"

namespace alma::text {

// Collects every violated field of one request, so that a client sees them all at once. Keeps the
// first ones and counts the rest, so that a hostile request costs no memory. Not thread-safe.
class Violations {
 public:
  // From here on fields are named below `prefix`: with "messages[17]", a violation of "content" is
  // reported as "messages[17].content". An empty prefix ends that.
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  // `field` is a path such as "message.content" (or below the prefix). Both must be valid UTF-8.
  void Add(std::string_view field, std::string_view description);

  bool empty() const { return kept_.empty(); }

  // OK when empty, else status::FieldsInvalid.
  absl::Status ToStatus() const;

 private:
  std::string prefix_;
  std::vector<status::FieldViolation> kept_;
  std::size_t unlisted_ = 0;
};

}  // namespace alma::text
