#include "common/rpc/batch_queue.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/common/rpc/busy_worker.h"
#include "tests/support/concurrently.h"

namespace alma::rpc {
namespace {

using Runs = std::vector<std::vector<int>>;

TEST_CASE("an item that finds a worker free is run alone and at once", "[threads]") {
  WorkerPool workers(2, 100);
  const BusyWorker busy(workers);
  Runs runs;
  absl::Notification run[3];
  BatchQueue<int> queue(workers, 10, [&](std::vector<int> items) {
    const int first = items.front();
    runs.push_back(std::move(items));
    run[first].Notify();
  });
  for (int i = 0; i < 3; ++i) {
    CHECK(queue.Submit(i));
    run[i].WaitForNotification();
  }
  CHECK(runs == Runs{{0}, {1}, {2}});
}

TEST_CASE("items that wait for a worker share runs in their order and up to the most",
          "[threads]") {
  Runs runs;
  {
    WorkerPool workers(1, 100);
    BatchQueue<int> queue(workers, 4,
                          [&](std::vector<int> items) { runs.push_back(std::move(items)); });
    const BusyWorker busy(workers);
    for (int i = 0; i < 10; ++i) CHECK(queue.Submit(i));
    CHECK(workers.queued() == 10);
  }
  CHECK(runs == Runs{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}});
}

TEST_CASE("no item begins later than a task in its place would", "[threads]") {
  std::vector<int> order;
  {
    WorkerPool workers(1, 100);
    BatchQueue<int> queue(workers, 2, [&](const std::vector<int>& items) {
      order.insert(order.end(), items.begin(), items.end());
    });
    const BusyWorker busy(workers);
    // Tasks are the negative ones.
    for (int i = 0; i < 4; ++i) {
      CHECK(queue.Submit(i));
      CHECK(workers.Submit([&order, i] { order.push_back(-i - 1); }));
    }
  }
  CHECK(order == std::vector<int>{0, 1, -1, -2, 2, 3, -3, -4});
}

TEST_CASE("items that come during a run do not take the places of those in it", "[threads]") {
  std::vector<int> order;
  {
    WorkerPool workers(1, 100);
    std::vector<int> later = {4, 3};
    BatchQueue<int>* self = nullptr;
    BatchQueue<int> queue(workers, 10, [&](const std::vector<int>& items) {
      order.insert(order.end(), items.begin(), items.end());
      for (; !later.empty(); later.pop_back()) CHECK(self->Submit(later.back()));
    });
    self = &queue;
    const BusyWorker busy(workers);
    for (int i = 0; i < 3; ++i) CHECK(queue.Submit(i));
    CHECK(workers.Submit([&] { order.push_back(-1); }));
  }
  CHECK(order == std::vector<int>{0, 1, 2, -1, 3, 4});
}

TEST_CASE("an item is admitted as a task is and dropped where the pool refuses it", "[threads]") {
  const auto held = std::make_shared<int>(0);
  int run = 0;
  {
    WorkerPool workers(1, 3);
    BatchQueue<std::shared_ptr<int>> queue(workers, 10,
                                           [&](const std::vector<std::shared_ptr<int>>& items) {
                                             run += static_cast<int>(items.size());
                                           });
    const BusyWorker busy(workers);
    CHECK(queue.Submit(held));
    CHECK(workers.Submit([] {}));
    absl::SleepFor(absl::Milliseconds(20));
    // The first in the pool's queue has waited for longer than this one could.
    CHECK_FALSE(queue.Submit(held, absl::Now() + absl::Milliseconds(10)));
    CHECK(queue.Submit(held, absl::Now() + absl::Hours(1)));
    CHECK_FALSE(queue.Submit(held));
    CHECK(held.use_count() == 3);
  }
  CHECK(run == 2);
  CHECK(held.use_count() == 1);
}

TEST_CASE("items that many threads submit at once are each run once", "[threads]") {
  constexpr int kThreads = 4;
  constexpr int kItems = 500;
  constexpr size_t kMost = 8;
  std::vector<std::atomic<int>> runs(kThreads * kItems);
  std::atomic<int> wrong = 0;
  {
    WorkerPool workers(3, kThreads * kItems);
    BatchQueue<int> queue(workers, kMost, [&](const std::vector<int>& items) {
      if (items.empty() || items.size() > kMost) ++wrong;
      for (const int item : items) ++runs[item];
    });
    testing::Concurrently(kThreads, [&](int thread) {
      for (int i = 0; i < kItems; ++i) {
        if (!queue.Submit(thread * kItems + i)) ++wrong;
      }
    });
  }
  CHECK(wrong == 0);
  CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& times) { return times == 1; }));
}

TEST_CASE("a queue that goes runs what it has and leaves nothing of itself in the pool",
          "[threads]") {
  WorkerPool workers(2, 1000);
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> run = 0;
    {
      // It holds what its runs need, which is gone with it.
      BatchQueue<int> queue(workers, 4,
                            [&run, own = std::make_shared<int>(1)](const std::vector<int>& items) {
                              run += *own * static_cast<int>(items.size());
                            });
      for (int i = 0; i < 10; ++i) CHECK(queue.Submit(i));
    }
    CHECK(run == 10);
    CHECK(workers.queued() == 0);
  }
}

}  // namespace
}  // namespace alma::rpc
