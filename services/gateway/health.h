#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "services/gateway/channel.h"

namespace alma::gateway {

// Knows which services of a backend answer, by asking each of its processes again and again
// (grpc.health.v1). Why a process cannot be reached is logged once as backend_unreachable.
// Thread-safe.
class HealthWatch {
 public:
  static constexpr absl::Duration kAskEvery = absl::Milliseconds(200);
  static constexpr absl::Duration kAnswerWithin = absl::Milliseconds(500);

  // `on_return` is called, on a thread of this object's own, when a process has begun to serve and
  // before Serving says so.
  HealthWatch(const std::vector<std::string>& addresses, const std::vector<std::string>& services,
              std::function<void()> on_return, const BackendTls& tls = {});
  ~HealthWatch();

  // Whether any process says that it serves the service of this number in `services`. False until
  // the first has answered.
  bool Serving(size_t service) const;

 private:
  struct Check;
  void Ask();
  void LogUnreachable();

  const size_t services_;
  const std::function<void()> on_return_;
  // All services of the first process, then those of the next one.
  std::vector<std::unique_ptr<Check>> checks_;
  absl::Notification stopping_;
  std::thread thread_;
};

}  // namespace alma::gateway
