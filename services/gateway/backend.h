#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/gateway/channel.h"

namespace alma::gateway {

// Connections to the processes that serve one part of the API, all alike: calls go to them in turn,
// and one that cannot be reached is left out until it can be again. Thread-safe.
class Backend {
  struct Path;
  struct Connection;

 public:
  // Calls at a time on a connection, below what rpc::Server allows on one; the next call opens
  // another connection.
  static constexpr int kCallsPerConnection = 200;
  static constexpr absl::Duration kReconnectWithin = absl::Milliseconds(300);
  // When all of them are full, calls wait in gRPC.
  static constexpr size_t kMaxConnections = 64;

  // Where one call goes, which counts there as long as this object lives. The backend outlives it.
  class Place {
   public:
    explicit Place(Backend& backend);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    grpc::GenericStub& stub() const;
    const std::shared_ptr<grpc::Channel>& channel() const;

   private:
    Connection& connection_;
    Path& path_;
  };

  // `addresses`: at least one, "host:port" or "unix:/path" each.
  explicit Backend(const std::vector<std::string>& addresses, BackendTls tls = {});
  ~Backend();

  // Tries at once to reach the processes that are left out; waits for that, kReconnectWithin at
  // most, where none could be reached.
  void RetryNow();

 private:
  // One with room for a call, which is counted.
  Connection& Take();
  // The one of this number, made when it is not there yet.
  Connection& At(size_t number) ABSL_LOCKS_EXCLUDED(mutex_);

  const BackendTls tls_;
  const std::vector<std::string> targets_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Connection>> owned_ ABSL_GUARDED_BY(mutex_);
  // The same, in order, without the mutex.
  std::array<std::atomic<Connection*>, kMaxConnections> connections_{};
};

}  // namespace alma::gateway
