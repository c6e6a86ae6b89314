#include "tests/support/tenants.h"

#include "absl/time/clock.h"
#include "common/status/status.h"
#include "tests/support/service_harness.h"

namespace alma::testing {
namespace {

rpc::Call CallOf(const auth::v1::Principal& caller) {
  return {caller, absl::Now() + absl::Seconds(30)};
}

}  // namespace

rpc::Call Us() {
  static const auth::v1::Principal principal = Caller(kOurs, {});
  return CallOf(principal);
}

rpc::Call Them() {
  static const auth::v1::Principal principal = Caller(kTheirs, {});
  return CallOf(principal);
}

std::string NthUuid(int n) {
  const std::string digits = std::to_string(n);
  std::string uuid = "0190f5fe-1111-7000-8000-000000000000";
  return uuid.replace(uuid.size() - digits.size(), digits.size(), digits);
}

std::string ReasonOf(const absl::Status& refused) { return std::string(status::Reason(refused)); }

std::vector<std::string> FieldsOf(const absl::Status& refused) {
  return FieldsOf(status::ToGrpcStatus(refused));
}

std::vector<std::string> Violated(const absl::Status& validated) {
  if (validated.ok()) return {};
  CHECK(validated.code() == absl::StatusCode::kInvalidArgument);
  return FieldsOf(validated);
}

}  // namespace alma::testing
