#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace alma::bench {

// How the calls of a run ended.
struct Ended {
  int64_t offered = 0;
  // OK within the deadline, as the client's clock has it.
  int64_t good = 0;
  // RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, and all else.
  int64_t refused = 0;
  int64_t late = 0;
  int64_t failed = 0;
  // Of the good ones.
  absl::Duration median;
  absl::Duration p99;
};

// Makes calls of one method, each a copy of the same bytes or of what `request` makes. Not
// thread-safe.
class Generator {
 public:
  // `path` is "/package.Service/Method". A connection for each of `channels`.
  Generator(std::vector<std::shared_ptr<grpc::Channel>> channels, std::string key, std::string path,
            std::function<std::string()> request, absl::Duration deadline);
  ~Generator();

  // Begins `rate` calls a second whatever becomes of them. Calls that are due while kMaxInFlight
  // are under way are not offered.
  Ended OpenLoop(double rate, absl::Duration length);
  // Keeps `in_flight` calls under way.
  Ended ClosedLoop(int in_flight, absl::Duration length);

  static constexpr int kMaxInFlight = 20'000;

 private:
  struct Call;
  void Begin();
  void Done(std::unique_ptr<Call> call);
  Ended Take() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::vector<std::shared_ptr<grpc::Channel>> channels_;
  const std::string key_;
  const std::string path_;
  const std::function<std::string()> request_;
  const absl::Duration deadline_;
  std::atomic<int> in_flight_ = 0;
  size_t next_channel_ = 0;
  absl::Mutex mutex_;
  Ended ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> latencies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alma::bench
