#pragma once

#include <memory>
#include <string_view>

#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"
#include "common/rpc/worker_pool.h"

namespace alma::rpc {

// Keeps a worker of the pool busy until GoOn or the end, with a task of `group`.
class BusyWorker {
 public:
  explicit BusyWorker(WorkerPool& workers, std::string_view group = {}) {
    absl::Notification begun;
    REQUIRE(workers.Submit(
        [&begun, go_on = go_on_] {
          begun.Notify();
          go_on->WaitForNotification();
        },
        absl::InfiniteFuture(), group));
    begun.WaitForNotification();
  }
  ~BusyWorker() { GoOn(); }
  BusyWorker(const BusyWorker&) = delete;
  BusyWorker& operator=(const BusyWorker&) = delete;

  void GoOn() {
    if (!go_on_->HasBeenNotified()) go_on_->Notify();
  }

 private:
  // The worker may still be about to wake when this is gone.
  std::shared_ptr<absl::Notification> go_on_ = std::make_shared<absl::Notification>();
};

}  // namespace alma::rpc
