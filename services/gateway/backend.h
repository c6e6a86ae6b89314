#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include "absl/time/time.h"
#include "common/rpc/connection.h"
#include "services/gateway/channel.h"

namespace alma::gateway {

// Connections to the processes that serve one part of the API, all alike: calls go in turn to those
// that serve and can be reached. Thread-safe; a call takes its place without a lock.
class Backend {
  struct Connection;
  struct Process;

 public:
  // What a process says of itself.
  enum class Health {
    kUnknown,     // not asked yet
    kServing,     // yes
    kNotServing,  // no, or it has not answered in time once: only where no other serves
    kGone,        // no answer again and again: no calls go there
  };

  static constexpr absl::Duration kReconnectWithin = absl::Milliseconds(300);
  // To each process; when all of them are full, calls wait in gRPC.
  static constexpr size_t kMaxConnections = 64;

  // Where one call goes, which counts there as long as this object lives. The backend outlives it.
  class Place {
   public:
    explicit Place(Backend& backend);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // Whether any process may answer. Where none does a call would wait for its deadline.
    bool reachable() const { return reachable_; }

    // The connection failed, or the process ended: until it says again that it serves, calls go to
    // others that do, instead of failing on its other connections, too.
    void Failed();

    grpc::GenericStub& stub() const;
    const std::shared_ptr<grpc::Channel>& channel() const;

   private:
    bool reachable_ = true;
    Connection& connection_;
  };

  // `addresses`: at least one, "host:port" or "unix:/path" each, one process each.
  Backend(const std::vector<std::string>& addresses, const BackendTls& tls);
  ~Backend();

  // What is known now of the process of this number in `addresses`. Whether it has begun to serve:
  // then it is connected to first, which takes kReconnectWithin at most.
  bool Report(size_t process, Health health);

 private:
  // One with room for a call, not counted yet; `reachable` tells whether it is any good.
  Connection& Pick(bool* reachable);

  std::vector<std::unique_ptr<Process>> processes_;
  std::atomic<size_t> next_ = 0;
};

}  // namespace alma::gateway
