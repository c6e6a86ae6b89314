#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "catch2/catch.hpp"
#include "common/rpc/call.h"

// What the tests of every store of tenants' rows speak of.
namespace alma::testing {

// Two organizations, and calls in the name of each.
inline constexpr char kOurs[] = "0190f5fe-0000-7000-8000-0000000000aa";
inline constexpr char kTheirs[] = "0190f5fe-0000-7000-8000-0000000000bb";
rpc::Call Us();
rpc::Call Them();

// The n-th of some uuids, ascending.
std::string NthUuid(int n);

// The value; the test case fails where there is none.
template <typename T>
T Ok(absl::StatusOr<T> result) {
  INFO(result.status());
  REQUIRE(result.ok());
  return *std::move(result);
}

// What a client would be told: the reason, and the violated fields in their order.
std::string ReasonOf(const absl::Status& refused);
std::vector<std::string> FieldsOf(const absl::Status& refused);

// The violated fields that Validate found; none where the request is valid.
std::vector<std::string> Violated(const absl::Status& validated);

}  // namespace alma::testing
