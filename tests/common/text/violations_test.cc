#include "common/text/violations.h"

#include <string>

#include "catch2/catch.hpp"

namespace alma::text {
namespace {

TEST_CASE("no violation is OK") {
  Violations violations;
  CHECK(violations.empty());
  CHECK(violations.ToStatus().ok());
}

TEST_CASE("violations become one FIELD_INVALID that names the first") {
  Violations violations;
  violations.Add("message.content", "must not be empty");
  violations.Add("message.type", "must not be empty");
  CHECK_FALSE(violations.empty());
  const absl::Status status = violations.ToStatus();
  CHECK(status::Reason(status) == "FIELD_INVALID");
  CHECK(status.message() == "message.content: must not be empty (and 1 more)");
}

TEST_CASE("a prefix names the item and ends with an empty one") {
  Violations violations;
  violations.set_prefix("messages[17]");
  violations.Add("content", "is wrong");
  CHECK(violations.ToStatus().message() == "messages[17].content: is wrong");
  Violations ended;
  ended.set_prefix("messages[17]");
  ended.set_prefix("");
  ended.Add("page_size", "is wrong");
  CHECK(ended.ToStatus().message() == "page_size: is wrong");
}

TEST_CASE("beyond 16 violations are only counted") {
  Violations violations;
  for (int i = 0; i < 100'000; ++i) violations.Add("f" + std::to_string(i), "is wrong");
  CHECK(violations.ToStatus().message() == "f0: is wrong (and 99999 more, 99984 not listed)");
}

}  // namespace
}  // namespace alma::text
