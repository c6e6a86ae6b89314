#pragma once

#include <map>
#include <set>
#include <string>

#include <grpcpp/impl/codegen/service_type.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.pb.h"

namespace alma::rpc {

// grpc.health.v1.Health, which needs no key. gRPC's own would hold up a drain for as long as
// somebody watches. Thread-safe.
class HealthService final : public grpc::Service {
 public:
  HealthService();

  // What Check and Watch say of the service of this name, "" being all together. NOT_FOUND and
  // SERVICE_UNKNOWN for one that was never set.
  void Set(const std::string& service, bool serving) ABSL_LOCKS_EXCLUDED(mutex_);

  // All services are NOT_SERVING from now on, whatever Set says.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends who watches, now and from now on, with UNAVAILABLE.
  void EndWatches() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;
  class Watch;

  // SERVICE_UNKNOWN for one that was never set.
  Status StatusOf(const std::string& service) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<std::string, bool> serving_ ABSL_GUARDED_BY(mutex_);
  std::set<Watch*> watches_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alma::rpc
