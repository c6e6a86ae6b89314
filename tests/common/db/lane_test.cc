#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <numeric>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/db/lane_impl.h"
#include "tests/support/concurrently.h"
#include "tests/support/eventually.h"

namespace alma::db {
namespace {

using IntLane = Lane<int>;

constexpr IntLane::Limits kWide{1000, 1000, 1000, 1000};

bool Submit(IntLane& lane, int item, size_t bytes = 1) { return lane.Submit(item, bytes); }

// A lane that keeps its rounds, and whose first round, that of the item 0, lasts until GoOn.
class Held {
 public:
  explicit Held(IntLane::Limits limits = kWide)
      : lane_(std::make_unique<IntLane>(limits, [this](std::vector<int> items) {
          if (rounds_.empty()) {
            begun_.Notify();
            go_on_.WaitForNotification();
          }
          rounds_.push_back(std::move(items));
          return [this] { ++rests_; };
        })) {
    REQUIRE(Submit(*lane_, 0));
    begun_.WaitForNotification();
  }

  IntLane& lane() { return *lane_; }
  void GoOn() { go_on_.Notify(); }

  // The rounds, once all that was submitted has been run.
  std::vector<std::vector<int>> End() {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
    lane_.reset();
    return rounds_;
  }
  int rests() const { return rests_; }

 private:
  absl::Notification begun_;
  absl::Notification go_on_;
  std::vector<std::vector<int>> rounds_;
  std::atomic<int> rests_ = 0;
  std::unique_ptr<IntLane> lane_;
};

TEST_CASE("an item that comes alone has a round of its own at once") {
  absl::Notification done;
  std::vector<int> round;
  IntLane lane(kWide, [&](std::vector<int> items) {
    round = std::move(items);
    return [&] { done.Notify(); };
  });
  REQUIRE(Submit(lane, 7));
  done.WaitForNotification();
  CHECK(round == std::vector<int>{7});
}

TEST_CASE("what comes while a round runs shares the next in its order") {
  Held held;
  for (int i = 1; i < 6; ++i) REQUIRE(Submit(held.lane(), i));
  CHECK(held.End() == std::vector<std::vector<int>>{{0}, {1, 2, 3, 4, 5}});
  CHECK(held.rests() == 2);
}

TEST_CASE("a round takes no more items and bytes than its limits but one item always") {
  Held by_items({.queued_items = 100, .queued_bytes = 100, .round_items = 2, .round_bytes = 100});
  for (int i = 1; i < 6; ++i) REQUIRE(Submit(by_items.lane(), i));
  CHECK(by_items.End() == std::vector<std::vector<int>>{{0}, {1, 2}, {3, 4}, {5}});

  Held by_bytes({.queued_items = 100, .queued_bytes = 100, .round_items = 9, .round_bytes = 10});
  REQUIRE(Submit(by_bytes.lane(), 1, 6));
  REQUIRE(Submit(by_bytes.lane(), 2, 4));
  REQUIRE(Submit(by_bytes.lane(), 3, 50));
  REQUIRE(Submit(by_bytes.lane(), 4, 1));
  CHECK(by_bytes.End() == std::vector<std::vector<int>>{{0}, {1, 2}, {3}, {4}});
}

TEST_CASE("an item that would wait for more than half of its time is refused") {
  absl::Notification begun;
  absl::Notification go_on;
  int rounds = 0;
  {
    IntLane lane(kWide, [&](const std::vector<int>&) {
      if (++rounds == 1) {
        absl::SleepFor(absl::Milliseconds(20));
      } else if (rounds == 2) {
        begun.Notify();
        go_on.WaitForNotification();
      }
      return [] {};
    });
    const auto submit = [&](absl::Duration left) {
      int item = 0;
      return lane.Submit(item, 1, absl::Now() + left);
    };
    // Nothing is before it.
    CHECK(submit(absl::Milliseconds(1)));
    CHECK(
        testing::Eventually([&] { return submit(absl::Seconds(30)) && begun.HasBeenNotified(); }));
    // The end of the round that runs, and its own.
    CHECK_FALSE(submit(absl::Milliseconds(60)));
    CHECK(submit(absl::Seconds(30)));
    CHECK(submit(absl::InfiniteDuration()));
    go_on.Notify();
  }
  CHECK(rounds == 3);
}

TEST_CASE("a full lane refuses by items and by bytes and leaves the item to its owner") {
  using OwnedLane = Lane<std::unique_ptr<int>>;
  absl::Notification begun;
  absl::Notification go_on;
  int taken = 0;
  {
    OwnedLane lane({3, 10, 100, 100}, [&](const std::vector<std::unique_ptr<int>>& items) {
      if (taken == 0) {
        begun.Notify();
        go_on.WaitForNotification();
      }
      taken += static_cast<int>(items.size());
      return [] {};
    });
    const auto submit = [&](size_t bytes) {
      auto item = std::make_unique<int>(1);
      const bool submitted = lane.Submit(item, bytes);
      return submitted == (item == nullptr) && submitted;
    };
    CHECK(submit(1));
    begun.WaitForNotification();
    CHECK(submit(6));
    CHECK_FALSE(submit(5));
    CHECK(submit(2));
    CHECK(submit(2));
    CHECK_FALSE(submit(0));
    go_on.Notify();
  }
  CHECK(taken == 4);
}

TEST_CASE("one item that is larger than the queue may be is taken where nothing waits") {
  Held held({.queued_items = 100, .queued_bytes = 10, .round_items = 9, .round_bytes = 10});
  CHECK(Submit(held.lane(), 1, 1000));
  CHECK_FALSE(Submit(held.lane(), 2, 1));
  CHECK(held.End() == std::vector<std::vector<int>>{{0}, {1}});
}

TEST_CASE("the rest of a round does not keep the next one waiting") {
  absl::Notification first_begun;
  absl::Notification go_on;
  absl::Notification second_begun;
  std::atomic<bool> rest_saw_second = false;
  {
    IntLane lane(kWide, [&](const std::vector<int>& items) -> IntLane::Rest {
      if (items.front() == 1) {
        second_begun.Notify();
        return [] {};
      }
      first_begun.Notify();
      go_on.WaitForNotification();
      return [&] {
        second_begun.WaitForNotification();
        rest_saw_second = true;
      };
    });
    REQUIRE(Submit(lane, 0));
    first_begun.WaitForNotification();
    REQUIRE(Submit(lane, 1));
    go_on.Notify();
  }
  CHECK(rest_saw_second);
}

// A lane whose rounds of several items have a rest that lasts until GoOn.
class SlowToRest {
 public:
  SlowToRest() {
    REQUIRE(Submit(*lane_, 0));
    begun_.WaitForNotification();
    for (const int item : {1, 2}) REQUIRE(Submit(*lane_, item));
    shares_round_.Notify();
    resting_.WaitForNotification();
  }
  ~SlowToRest() { End(); }

  // Whether the item has a round of its own while the rest lasts.
  bool HasRound(int item, absl::Duration patience = absl::Seconds(5)) {
    const int before = rounds_;
    REQUIRE(Submit(*lane_, item));
    return testing::Eventually([&] { return rounds_ > before; }, patience);
  }
  int End() {
    if (!go_on_.HasBeenNotified()) go_on_.Notify();
    lane_.reset();
    return rounds_;
  }

 private:
  IntLane::Rest Run(const std::vector<int>& items) {
    if (items.front() == 0) {
      begun_.Notify();
      shares_round_.WaitForNotification();
    }
    ++rounds_;
    if (items.size() == 1) return [] {};
    return [this] {
      resting_.Notify();
      go_on_.WaitForNotification();
    };
  }

  absl::Notification begun_;
  absl::Notification shares_round_;
  absl::Notification resting_;
  absl::Notification go_on_;
  std::atomic<int> rounds_ = 0;
  std::unique_ptr<IntLane> lane_ = std::make_unique<IntLane>(
      kWide, [this](const std::vector<int>& items) { return Run(items); });
};

TEST_CASE("the rest of a shared round does not keep who comes later waiting") {
  SlowToRest lane;
  CHECK(lane.HasRound(3));
  CHECK(lane.End() == 3);
}

TEST_CASE("rounds wait where too many rests do") {
  SlowToRest lane;
  CHECK(lane.HasRound(3));
  CHECK(lane.HasRound(4));
  CHECK_FALSE(lane.HasRound(5, absl::Milliseconds(200)));
  CHECK(lane.End() == 5);
}

TEST_CASE("a lane that gets no thread refuses the item and takes the next once it gets one") {
  const int without = GENERATE(1, 2);
  CAPTURE(without);
  std::vector<std::vector<int>> rounds;
  int rests = 0;
  {
    int started = 0;
    IntLane lane(
        kWide,
        [&](std::vector<int> items) {
          rounds.push_back(std::move(items));
          return [&] { ++rests; };
        },
        [&](std::function<void()> body) {
          if (++started == without) throw std::system_error(EAGAIN, std::generic_category());
          return std::thread(std::move(body));
        });
    CHECK_FALSE(Submit(lane, 1));
    CHECK(Submit(lane, 2));
  }
  CHECK(rounds == std::vector<std::vector<int>>{{2}});
  CHECK(rests == 1);
}

TEST_CASE("a lane that nothing was submitted to ends") {
  bool run = false;
  {
    const IntLane lane(kWide, [&](const std::vector<int>&) {
      run = true;
      return [] {};
    });
  }
  CHECK_FALSE(run);
}

TEST_CASE("many threads lose and repeat no item and find theirs and the rests in order",
          "[threads]") {
  constexpr int kThreads = 16;
  constexpr int kEach = 2000;
  std::vector<int> seen;
  int rounds = 0;
  std::vector<int> rest_order;
  absl::Mutex mutex;
  {
    IntLane lane({64, 1000, 32, 1000}, [&](std::vector<int> items) {
      seen.insert(seen.end(), items.begin(), items.end());
      const int round = rounds++;
      return [&, round] {
        absl::MutexLock lock(&mutex);
        rest_order.push_back(round);
      };
    });
    testing::Concurrently(kThreads, [&](int thread) {
      for (int i = 0; i < kEach; ++i) {
        while (!Submit(lane, thread * kEach + i)) std::this_thread::yield();
      }
    });
  }
  std::vector<int> all_rounds(rounds);
  std::iota(all_rounds.begin(), all_rounds.end(), 0);
  CHECK(rest_order == all_rounds);
  REQUIRE(seen.size() == kThreads * kEach);
  std::vector<int> next(kThreads, 0);
  bool in_order = true;
  for (const int item : seen) in_order &= next[item / kEach]++ == item % kEach;
  CHECK(in_order);
}

}  // namespace
}  // namespace alma::db
