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

// Items for a WorkerPool that are done more cheaply together than one by one. The first has a place
// in the pool's queue, as any task has; those that come while it waits join it until they are as
// many as a run takes, and the next has a place again. So an item that finds a worker free is run
// at once and alone, the longer workers are busy the more items share a run, and none begins later
// than those that were there before it. Thread-safe.
template <typename Item>
class BatchQueue {
 public:
  // Called from several workers at once. Must not throw.
  using Run = std::function<void(std::vector<Item>)>;

  // A run takes `most` items at most.
  BatchQueue(WorkerPool& workers, size_t most, Run run)
      : workers_(workers), most_(most), run_(std::move(run)) {}

  // Waits until all items have been run.
  ~BatchQueue() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &BatchQueue::NoRuns));
  }

  // False, with the item dropped, where the pool refuses it; see WorkerPool::Submit.
  [[nodiscard]] bool Submit(Item item, absl::Time deadline = absl::InfiniteFuture())
      ABSL_LOCKS_EXCLUDED(mutex_) {
    // No worker comes to the place before all is there.
    absl::MutexLock lock(&mutex_);
    const bool joins = waiting_.size() < most_ * places_;
    waiting_.push_back(std::move(item));
    if (joins ? workers_.Join(deadline) : workers_.Submit([this] { ComeToPlace(); }, deadline)) {
      if (!joins) {
        ++places_;
        ++runs_;
      }
      return true;
    }
    // It ends with the call, behind the lock.
    item = std::move(waiting_.back());
    waiting_.pop_back();
    return false;
  }

 private:
  void ComeToPlace() ABSL_LOCKS_EXCLUDED(mutex_) {
    run_(Take());
    absl::MutexLock lock(&mutex_);
    --runs_;
  }

  std::vector<Item> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto end =
        waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(most_, waiting_.size()));
    std::vector<Item> items(std::make_move_iterator(waiting_.begin()),
                            std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    --places_;
    workers_.Leave(items.size() - 1);
    return items;
  }

  bool NoRuns() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return runs_ == 0; }

  WorkerPool& workers_;
  const size_t most_;
  const Run run_;
  absl::Mutex mutex_;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  // Tasks in the pool's queue, each for `most_` of those that wait.
  size_t places_ ABSL_GUARDED_BY(mutex_) = 0;
  // The same, and those that a worker is not done with.
  size_t runs_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alma::rpc
