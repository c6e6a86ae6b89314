#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "services/gateway/backend.h"
#include "services/gateway/channel.h"

namespace alma::gateway {

// Knows which services of a backend answer, by asking each of its processes again and again
// (grpc.health.v1), one that hangs without delay for the others. Why a process cannot be reached is
// logged once as backend_unreachable. Thread-safe.
class HealthWatch {
 public:
  static constexpr absl::Duration kAskEvery = absl::Milliseconds(200);
  static constexpr absl::Duration kAnswerWithin = absl::Milliseconds(500);
  // So many questions without an answer, one after another, and a process is gone.
  static constexpr int kMissesUntilGone = 3;

  // Called, on threads of this object's own, with the number of a process in the addresses and how
  // it is: it serves where any of the services does, for the others say best themselves why they do
  // not.
  using Report = std::function<void(size_t process, Backend::Health health)>;

  HealthWatch(const std::vector<std::string>& addresses, const std::vector<std::string>& services,
              Report report, const BackendTls& tls);
  ~HealthWatch();

  // Whether any process says that it serves the service of this number in `services`. False until
  // the first has answered; Report is called before.
  bool Serving(size_t service) const;

 private:
  struct Check;
  class Process;

  const Report report_;
  absl::Notification stopping_;
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace alma::gateway
