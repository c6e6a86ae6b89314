#include "common/rpc/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"
#include "tests/support/concurrently.h"

namespace alma::rpc {
namespace {

TEST_CASE("tasks run on as many threads as the pool has", "[threads]") {
  constexpr int kThreads = 4;
  absl::BlockingCounter all_run(kThreads);
  absl::Notification go_on;
  WorkerPool pool(kThreads, 100);
  for (int i = 0; i < kThreads; ++i) {
    CHECK(pool.Submit([&] {
      all_run.DecrementCount();
      go_on.WaitForNotification();
    }));
  }
  all_run.Wait();
  CHECK(pool.queued() == 0);
  go_on.Notify();
}

TEST_CASE("a task beyond the queue's limit is refused and dropped unrun", "[threads]") {
  std::atomic<int> run = 0;
  const auto held = std::make_shared<int>(0);
  {
    absl::Notification begun;
    absl::Notification go_on;
    WorkerPool pool(1, 2);
    CHECK(pool.Submit([&] {
      begun.Notify();
      go_on.WaitForNotification();
    }));
    begun.WaitForNotification();
    CHECK(pool.Submit([&] { ++run; }));
    CHECK(pool.Submit([&] { ++run; }));
    CHECK(pool.queued() == 2);
    CHECK_FALSE(pool.Submit([&run, held] { run += 100; }));
    CHECK(held.use_count() == 1);
    go_on.Notify();
  }
  CHECK(run == 2);
}

TEST_CASE("a pool that goes runs what is queued first and in order", "[threads]") {
  std::vector<int> order;
  {
    WorkerPool pool(1, 100);
    for (int i = 0; i < 50; ++i) CHECK(pool.Submit([&order, i] { order.push_back(i); }));
  }
  REQUIRE(order.size() == 50);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("tasks that many threads submit at once are each run once", "[threads]") {
  constexpr int kThreads = 4;
  constexpr int kTasks = 500;
  std::vector<std::atomic<int>> runs(kThreads * kTasks);
  std::atomic<int> refused = 0;
  {
    WorkerPool pool(3, kThreads * kTasks);
    testing::Concurrently(kThreads, [&](int thread) {
      for (int i = 0; i < kTasks; ++i) {
        std::atomic<int>& run = runs[thread * kTasks + i];
        if (!pool.Submit([&run] { ++run; })) ++refused;
      }
    });
  }
  CHECK(refused == 0);
  CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run == 1; }));
}

TEST_CASE("a task is gone once it has run", "[threads]") {
  const auto held = std::make_shared<int>(0);
  absl::Notification next;
  WorkerPool pool(1, 100);
  CHECK(pool.Submit([held] {}));
  CHECK(pool.Submit([&] { next.Notify(); }));
  next.WaitForNotification();
  CHECK(held.use_count() == 1);
}

}  // namespace
}  // namespace alma::rpc
