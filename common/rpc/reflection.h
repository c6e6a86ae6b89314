#pragma once

#include <set>
#include <string>
#include <vector>

#include <grpcpp/impl/codegen/service_type.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace alma::rpc {

// Answers one reflection request from the descriptors that are linked into this process; `services`
// are the names that it lists.
grpc::reflection::v1::ServerReflectionResponse Reflect(
    const grpc::reflection::v1::ServerReflectionRequest& request,
    const std::vector<std::string>& services);

// The server reflection service. gRPC's own plugin knows v1alpha only and services of its own
// server only. The messages of v1 and v1alpha are the same but for their package, so one
// implementation serves both.
class ReflectionService final : public grpc::Service {
 public:
  enum class Version { kV1, kV1Alpha };

  // `services` outlives this object and may grow until the server starts.
  ReflectionService(Version version, const std::vector<std::string>& services);

  // Ends the calls in flight, now and from now on, with UNAVAILABLE. Thread-safe.
  void EndStreams() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Stream;

  const std::vector<std::string>& services_;
  absl::Mutex mutex_;
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alma::rpc
