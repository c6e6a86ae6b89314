#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/rpc/worker_pool.h"

namespace alma::rpc {

// Items for a WorkerPool that are done more cheaply together than one by one. Each has a place of
// its own in the pool's queue, as any task has; a worker that comes to one of these places takes
// its item and those that wait behind it, and nothing is left to do at their places. So an item
// that finds a worker free is run at once and alone, and the longer workers are busy the more items
// share a run. Thread-safe.
template <typename Item>
class BatchQueue {
 public:
  // Called from several workers at once. Must not throw.
  using Run = std::function<void(std::vector<Item>)>;

  // A run takes `most` items at most.
  BatchQueue(WorkerPool& workers, size_t most, Run run)
      : workers_(workers), most_(most), run_(std::move(run)) {}

  // Waits until the workers have come to the places of all items.
  ~BatchQueue() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &BatchQueue::NoPlaces));
  }

  // False, with the item dropped, where the pool refuses it; see WorkerPool::Submit.
  [[nodiscard]] bool Submit(Item item, absl::Time deadline = absl::InfiniteFuture())
      ABSL_LOCKS_EXCLUDED(mutex_) {
    // No worker comes to the place before all is there.
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(std::move(item));
    ++places_;
    if (workers_.Submit([this] { ComeToPlace(); }, deadline)) return true;
    waiting_.pop_back();
    --places_;
    return false;
  }

 private:
  void ComeToPlace() ABSL_LOCKS_EXCLUDED(mutex_) {
    std::vector<Item> items = Take();
    if (!items.empty()) run_(std::move(items));
    absl::MutexLock lock(&mutex_);
    --places_;
  }

  // None where the item of this place is not there any more: were later ones taken then, places
  // would gather in the queue at which nobody waits.
  std::vector<Item> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (taken_ahead_ > 0) {
      --taken_ahead_;
      return {};
    }
    const auto end =
        waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(most_, waiting_.size()));
    std::vector<Item> items(std::make_move_iterator(waiting_.begin()),
                            std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    taken_ahead_ = items.size() - 1;
    return items;
  }

  bool NoPlaces() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return places_ == 0; }

  WorkerPool& workers_;
  const size_t most_;
  const Run run_;
  absl::Mutex mutex_;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  // Items that were taken before a worker has come to their places, which are the next in the
  // queue.
  size_t taken_ahead_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those in the pool's queue, and those that a worker has come to and is not done with.
  size_t places_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alma::rpc
