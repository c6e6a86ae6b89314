#include "common/status/macros.h"

#include <memory>
#include <string>

#include "catch2/catch.hpp"

namespace {

absl::Status Checked(const absl::Status& status, int* calls, bool* went_on) {
  const auto call = [&] {
    ++*calls;
    return status;
  };
  RETURN_IF_ERROR(call());
  *went_on = true;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<int>> Box(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return std::make_unique<int>(value);
}

absl::StatusOr<int> Sum(int a, int b) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> first, Box(a));
  std::unique_ptr<int> second;
  ASSIGN_OR_RETURN(second, Box(b));
  return *first + *second;
}

TEST_CASE("RETURN_IF_ERROR returns an error and goes on after OK") {
  int calls = 0;
  bool went_on = false;
  CHECK(Checked(absl::AbortedError("stale"), &calls, &went_on) == absl::AbortedError("stale"));
  CHECK(calls == 1);
  CHECK_FALSE(went_on);
  CHECK(Checked(absl::OkStatus(), &calls, &went_on).ok());
  CHECK(calls == 2);
  CHECK(went_on);
}

TEST_CASE("ASSIGN_OR_RETURN moves the value or returns the status") {
  CHECK(Sum(2, 3).value() == 5);
  CHECK(Sum(-1, 3).status() == absl::OutOfRangeError("negative"));
  CHECK(Sum(2, -1).status() == absl::OutOfRangeError("negative"));
}

}  // namespace
