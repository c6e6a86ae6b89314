#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <prometheus/counter.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/metrics/metrics.h"
#include "services/gateway/channel.h"
#include "services/gateway/principals.h"

namespace alma::gateway {

// The organizations processes, asked for keys in the gateway's own name: the one that is followed
// first, and another one where that does not answer. Remembers that none can be reached, so that
// nobody waits for it; whoever follows their changes (KeyFeed) says when one can be again.
// Thread-safe.
class KeyStore {
 public:
  // How long a question takes at most: it holds a worker. Within that, how long one process may
  // take before another is asked.
  static constexpr absl::Duration kTimeout = absl::Seconds(2);
  static constexpr absl::Duration kAttemptTimeout = absl::Milliseconds(700);
  // A process that has been heard of within this is there, however slowly it answers.
  static constexpr absl::Duration kHeardWithin = absl::Milliseconds(700);

  // `addresses`: at least one, "host:port" or "unix:/path" each.
  KeyStore(const std::vector<std::string>& addresses, const BackendTls& tls,
           Principals& principals);

  // The key with this raw SHA-256. Blocks. NOT_FOUND where the key lets nobody in;
  // DEADLINE_EXCEEDED; UNAVAILABLE for everything else, so that a gateway that cannot ask lets
  // nobody in: at once while no process can be reached.
  absl::StatusOr<organizations::v1::VerifyApiKeyResponse> Verify(const std::string& secret_sha256,
                                                                 absl::Time deadline);

  // Counts questions by their outcome from now on, in alma_key_lookups_total. Before the first.
  void CountIn(metrics::Calls& metrics);

  Principals& principals() { return principals_; }
  size_t processes() const { return channels_.size(); }
  const std::shared_ptr<grpc::Channel>& channel(size_t process) const {
    return channels_[process % channels_.size()];
  }

  // Whether `process` answers a question now. Blocks, kAttemptTimeout at most.
  bool Answers(size_t process);

  // `process` has been heard of now.
  void Reached(size_t process);
  // No process can be reached.
  void Lost();

 private:
  absl::StatusOr<organizations::v1::VerifyApiKeyResponse> Ask(const std::string& secret_sha256,
                                                              absl::Time deadline);
  grpc::Status AskOne(size_t process, const std::string& secret_sha256, absl::Time deadline,
                      organizations::v1::VerifyApiKeyResponse* response);

  Principals& principals_;
  // One for each address.
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::atomic<size_t> followed_ = 0;
  std::atomic<bool> away_ = false;
  // In nanoseconds since 1970.
  std::atomic<int64_t> heard_at_ = 0;
  prometheus::Counter* in_force_ = nullptr;
  prometheus::Counter* unknown_ = nullptr;
  prometheus::Counter* unavailable_ = nullptr;
};

}  // namespace alma::gateway
