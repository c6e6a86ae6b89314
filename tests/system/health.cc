#include "tests/system/health.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/support/client.h"

namespace alma::testing {

std::string Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  using grpc::health::v1::HealthCheckResponse;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  const auto answered = Client(channel).Call(&grpc::health::v1::Health::Stub::Check, request);
  if (!answered.status.ok()) return absl::StrCat("error ", answered.status.error_code());
  return HealthCheckResponse::ServingStatus_Name(answered.response.status());
}

bool HealthBecomes(const std::shared_ptr<grpc::Channel>& channel, const std::string& wanted,
                   absl::Duration timeout, const std::string& service) {
  const absl::Time deadline = absl::Now() + timeout;
  do {
    if (Health(channel, service) == wanted) return true;
    absl::SleepFor(absl::Milliseconds(10));
  } while (absl::Now() < deadline);
  return false;
}

}  // namespace alma::testing
