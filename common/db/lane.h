#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace alma::db {

// A bounded queue and the thread that empties it in rounds: each takes, in their order, the items
// that have gathered while the one before ran. So an item that comes alone waits for nobody, and
// the more come at once the more share a round. Thread-safe.
template <typename Item>
class Lane {
 public:
  struct Limits {
    // What waits at most, and what one round takes; one item at least.
    size_t queued_items;
    size_t queued_bytes;
    size_t round_items;
    size_t round_bytes;
  };

  // What a round leaves to be done once it is over. While other items wait it runs beside the next
  // round, on a thread of its own, in the order of the rounds.
  using Rest = absl::AnyInvocable<void()>;
  using Round = std::function<Rest(std::vector<Item>)>;

  // The threads begin with the first item. `round` must not throw.
  Lane(Limits limits, Round round) : limits_(limits), round_(std::move(round)) {}

  // Runs what is queued, then joins.
  ~Lane();

  // Queues an item that holds `bytes`; false, with the item left as it is, when there is no room.
  [[nodiscard]] bool Submit(Item& item, size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Queued {
    Item item;
    size_t bytes;
  };

  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  void WorkOnRests() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<Item> TakeRound() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  }
  bool MayWorkOnRests() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return rounds_over_ || !rests_.empty();
  }

  const Limits limits_;
  const Round round_;
  absl::Mutex mutex_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Rest> rests_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool rounds_over_ ABSL_GUARDED_BY(mutex_) = false;
  // Set by the first Submit, joined by the destructor.
  std::thread worker_;
  std::thread rest_worker_;
};

template <typename Item>
Lane<Item>::~Lane() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (!worker_.joinable()) return;
  worker_.join();
  {
    absl::MutexLock lock(&mutex_);
    rounds_over_ = true;
  }
  rest_worker_.join();
}

template <typename Item>
bool Lane<Item>::Submit(Item& item, size_t bytes) {
  absl::MutexLock lock(&mutex_);
  const bool has_room = queue_.size() < limits_.queued_items &&
                        (queue_.empty() || queued_bytes_ + bytes <= limits_.queued_bytes);
  if (!has_room) return false;
  queue_.push_back({std::move(item), bytes});
  queued_bytes_ += bytes;
  if (!worker_.joinable()) {
    worker_ = std::thread([this] { Work(); });
    rest_worker_ = std::thread([this] { WorkOnRests(); });
  }
  return true;
}

template <typename Item>
std::vector<Item> Lane<Item>::TakeRound() {
  std::vector<Item> items;
  size_t bytes = 0;
  while (!queue_.empty() && items.size() < limits_.round_items) {
    Queued& next = queue_.front();
    if (!items.empty() && bytes + next.bytes > limits_.round_bytes) break;
    bytes += next.bytes;
    items.push_back(std::move(next.item));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  return items;
}

template <typename Item>
void Lane<Item>::Work() {
  while (true) {
    std::vector<Item> items;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Lane::MayWork));
      if (queue_.empty()) return;
      items = TakeRound();
    }
    Rest rest = round_(std::move(items));
    {
      absl::MutexLock lock(&mutex_);
      if (!queue_.empty()) {
        rests_.push_back(std::move(rest));
        continue;
      }
    }
    rest();
  }
}

template <typename Item>
void Lane<Item>::WorkOnRests() {
  while (true) {
    Rest rest;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Lane::MayWorkOnRests));
      if (rests_.empty()) return;
      rest = std::move(rests_.front());
      rests_.pop_front();
    }
    rest();
  }
}

}  // namespace alma::db
