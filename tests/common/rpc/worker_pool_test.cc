#include "common/rpc/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/common/rpc/busy_worker.h"
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

TEST_CASE("what joins a task counts as one until it leaves and is refused as one", "[threads]") {
  WorkerPool pool(1, 3);
  const BusyWorker busy(pool);
  CHECK(pool.Submit([] {}));
  absl::SleepFor(absl::Milliseconds(20));
  // The task has waited for longer than this could.
  CHECK_FALSE(pool.Join(absl::Now() + absl::Milliseconds(10)));
  CHECK(pool.Join(absl::Now() + absl::Hours(1)));
  CHECK(pool.Join());
  CHECK(pool.queued() == 3);
  CHECK_FALSE(pool.Join());
  CHECK_FALSE(pool.Submit([] {}));
  pool.Leave(2);
  CHECK(pool.queued() == 1);
  CHECK(pool.Submit([] {}));
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

TEST_CASE("the tasks of a group leave threads to all others", "[threads]") {
  std::atomic<int> at_a_time = 0;
  std::vector<int> order;
  {
    absl::Notification go_on;
    absl::BlockingCounter first_begun(WorkerPool::kMaxOfGroup);
    absl::BlockingCounter others_run(2);
    absl::Mutex mutex;
    WorkerPool pool(3, 100);
    for (int i = 0; i < WorkerPool::kMaxOfGroup; ++i) {
      CHECK(pool.Submit(
          [&] {
            ++at_a_time;
            first_begun.DecrementCount();
            go_on.WaitForNotification();
          },
          absl::InfiniteFuture(), "a"));
    }
    first_begun.Wait();
    for (int i = 0; i < 5; ++i) {
      CHECK(pool.Submit(
          [&, i] {
            ++at_a_time;
            absl::MutexLock lock(&mutex);
            order.push_back(i);
          },
          absl::InfiniteFuture(), "a"));
    }
    CHECK(pool.Submit([&] { others_run.DecrementCount(); }, absl::InfiniteFuture(), "b"));
    CHECK(pool.Submit([&] { others_run.DecrementCount(); }));
    others_run.Wait();
    CHECK(at_a_time == WorkerPool::kMaxOfGroup);
    CHECK(pool.queued() == 5);
    go_on.Notify();
  }
  std::sort(order.begin(), order.end());
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a task that waits for its group counts as one that waits", "[threads]") {
  WorkerPool pool(1, 2);
  const BusyWorker busy(pool, "a");
  CHECK(pool.Submit([] {}, absl::InfiniteFuture(), "a"));
  absl::SleepFor(absl::Milliseconds(20));
  // The one before it has waited for longer than this could; a task of another group has not.
  CHECK_FALSE(pool.Submit([] {}, absl::Now() + absl::Milliseconds(10), "a"));
  CHECK(pool.Submit([] {}, absl::Now() + absl::Milliseconds(10), "b"));
  CHECK_FALSE(pool.Submit([] {}));
  CHECK(pool.queued() == 2);
}

TEST_CASE("a task that waits for its group waits for the queue as well", "[threads]") {
  WorkerPool pool(2, 100);
  for (int i = 0; i < 20; ++i) CHECK(pool.Submit([] { absl::SleepFor(absl::Milliseconds(10)); }));
  const BusyWorker first(pool);
  const BusyWorker second(pool);
  for (int i = 0; i < 20; ++i) CHECK(pool.Submit([] {}));
  CHECK(pool.Submit([] {}, absl::InfiniteFuture(), "a"));
  // Behind 21 of 10 ms on two threads, and then once more.
  CHECK_FALSE(pool.Submit([] {}, absl::Now() + absl::Milliseconds(100), "a"));
  CHECK(pool.RetryAfter("a") >= WorkerPool::kMinRetry);
  CHECK(pool.ExpectedWait("a") > pool.ExpectedWait());
}

TEST_CASE("tasks of many groups that many threads submit at once are each run once", "[threads]") {
  constexpr int kThreads = 4;
  constexpr int kTasks = 500;
  constexpr int kGroups = 3;
  std::vector<std::atomic<int>> runs(kThreads * kTasks);
  std::vector<std::atomic<int>> running(kGroups);
  std::atomic<int> too_many = 0;
  {
    WorkerPool pool(4, kThreads * kTasks);
    testing::Concurrently(kThreads, [&](int thread) {
      for (int i = 0; i < kTasks; ++i) {
        const auto run = [&, group = i % kGroups, task = thread * kTasks + i] {
          if (++running[group] > WorkerPool::kMaxOfGroup) ++too_many;
          ++runs[task];
          --running[group];
        };
        if (!pool.Submit(run, absl::InfiniteFuture(), std::to_string(i % kGroups))) ++too_many;
      }
    });
  }
  CHECK(too_many == 0);
  CHECK(std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run == 1; }));
}

// A pool of one thread that knows what tasks take, and is held up by one more of them until the
// end.
class HeldUp {
 public:
  explicit HeldUp(absl::Duration task_takes) {
    for (int i = 0; i < 5; ++i) CHECK(pool.Submit([task_takes] { absl::SleepFor(task_takes); }));
    absl::Notification begun;
    CHECK(pool.Submit([&] {
      begun.Notify();
      go_on_.WaitForNotification();
    }));
    begun.WaitForNotification();
  }
  ~HeldUp() { go_on_.Notify(); }

  bool SubmitFor(absl::Duration time_left) {
    return pool.Submit([] {}, absl::Now() + time_left);
  }

 private:
  absl::Notification go_on_;

 public:
  WorkerPool pool{1, 100};
};

TEST_CASE("a task that would not begin in half of its time is refused by what others have taken") {
  HeldUp held_up(absl::Milliseconds(20));
  for (int i = 0; i < 10; ++i) CHECK(held_up.pool.Submit([] {}));
  CHECK(held_up.pool.ExpectedWait() >= absl::Milliseconds(11 * 20));
  CHECK_FALSE(held_up.SubmitFor(absl::Milliseconds(400)));
  CHECK(held_up.SubmitFor(absl::Hours(1)));
  CHECK(held_up.pool.Submit([] {}, absl::InfiniteFuture()));
  CHECK(held_up.pool.queued() == 12);
}

TEST_CASE("a task is refused that has less time than the first in the queue has waited") {
  HeldUp held_up(absl::ZeroDuration());
  CHECK(held_up.SubmitFor(absl::Hours(1)));
  absl::SleepFor(absl::Milliseconds(100));
  CHECK_FALSE(held_up.SubmitFor(absl::Milliseconds(190)));
  CHECK(held_up.SubmitFor(absl::Hours(1)));
}

TEST_CASE("a pool with a free thread takes a task whatever its deadline and others took") {
  WorkerPool pool(2, 100);
  for (int i = 0; i < 4; ++i) CHECK(pool.Submit([] { absl::SleepFor(absl::Milliseconds(20)); }));
  while (pool.ExpectedWait() > absl::ZeroDuration()) absl::SleepFor(absl::Milliseconds(1));
  absl::Notification run;
  CHECK(pool.Submit([&] { run.Notify(); }, absl::Now() - absl::Seconds(1)));
  run.WaitForNotification();
}

TEST_CASE(
    "whoever is refused is told to stay away until the queue is worked off and not too long") {
  HeldUp held_up(absl::Milliseconds(20));
  CHECK(held_up.pool.RetryAfter() >= WorkerPool::kMinRetry);
  CHECK(held_up.pool.RetryAfter() <=
        1.5 * std::max(WorkerPool::kMinRetry, held_up.pool.ExpectedWait()));
  for (int i = 0; i < 20; ++i) CHECK(held_up.pool.Submit([] {}));
  CHECK(held_up.pool.RetryAfter() >= absl::Milliseconds(21 * 20));
  for (int i = 0; i < 80; ++i) CHECK(held_up.pool.Submit([] {}));
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  for (int i = 0; i < 100; ++i) {
    const absl::Duration told = held_up.pool.RetryAfter();
    shortest = std::min(shortest, told);
    longest = std::max(longest, told);
  }
  CHECK(shortest >= absl::Milliseconds(1600));
  CHECK(longest <= 1.5 * WorkerPool::kMaxRetry);
  CHECK(longest > 1.2 * shortest);
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
