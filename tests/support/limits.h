#pragma once

#include <string>
#include <vector>

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "absl/time/time.h"
#include "common/limit/limiter.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

// What a limiter holds, and what a refused client is told.
namespace alma::testing {

// Whether `organization` may have `count` more calls at a time, and none beyond.
inline bool Free(limit::Limiter& limiter, const std::string& organization, int count) {
  const std::string key = "a key of its own";
  std::vector<limit::Limiter::Slot> slots(count);
  for (limit::Limiter::Slot& slot : slots) {
    if (limiter.Admit(key, organization, &slot).has_value()) return false;
  }
  limit::Limiter::Slot one_more;
  return limiter.Admit(key, organization, &one_more).has_value();
}

inline absl::Duration RetryInfoOf(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  google::rpc::RetryInfo retry;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&retry)) {
      return absl::Seconds(retry.retry_delay().seconds()) +
             absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return absl::InfiniteDuration();
}

// Empty where the call ended without one.
inline std::string PushbackOf(const grpc::ClientContext& context) {
  const auto found = context.GetServerTrailingMetadata().find("grpc-retry-pushback-ms");
  return found == context.GetServerTrailingMetadata().end()
             ? ""
             : std::string(found->second.data(), found->second.size());
}

}  // namespace alma::testing
