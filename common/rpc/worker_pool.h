#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/limit/pace.h"

namespace alma::rpc {

// Threads that may block on a database, so that gRPC's own never do. First come, first served, but
// for tasks of a group, of which two run at a time. Thread-safe.
class WorkerPool {
 public:
  using Task = absl::AnyInvocable<void()>;

  // Tasks of one group that run at a time, and fewer than there are threads where there are two.
  // Those of a group wait for each other anyway, as the writers of an organization do for its
  // revision: more of them would only keep threads from all others.
  static constexpr int kMaxOfGroup = 2;

  // At most `queue_limit` tasks wait at a time.
  WorkerPool(int threads, size_t queue_limit);
  // Runs what is queued, then joins.
  ~WorkerPool();

  // False when the queue is full, or so long that the task would probably wait for more than half
  // of the time until `deadline`; the task is then dropped unrun. A task of no group: empty.
  [[nodiscard]] bool Submit(Task task, absl::Time deadline = absl::InfiniteFuture(),
                            std::string_view group = {}) ABSL_LOCKS_EXCLUDED(mutex_);

  // The same for work that a task in the queue is going to do together with its own: counts as a
  // task that waits, and wakes nobody. Leave says that so many of them wait no more.
  [[nodiscard]] bool Join(absl::Time deadline = absl::InfiniteFuture()) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(size_t joined) ABSL_LOCKS_EXCLUDED(mutex_);

  // Tasks that wait, for others of their group too, and what has joined them.
  size_t queued() const ABSL_LOCKS_EXCLUDED(mutex_);

  // How long a task that came now would probably wait: what the queue takes at the pace of the last
  // tasks, and no less than the first in it has waited so far; in a group also for those before it.
  absl::Duration ExpectedWait(std::string_view group = {}) const ABSL_LOCKS_EXCLUDED(mutex_);

  // How long somebody who was refused is to stay away: about until the queue of now has been worked
  // off, kMinRetry to 1.5 kMaxRetry. Spread, so that not all come back at once.
  absl::Duration RetryAfter(std::string_view group = {}) const ABSL_LOCKS_EXCLUDED(mutex_);
  static constexpr absl::Duration kMinRetry = absl::Milliseconds(100);
  static constexpr absl::Duration kMaxRetry = absl::Seconds(2);

 private:
  struct Queued {
    Task task;
    absl::Duration since;
    std::string group;
  };
  struct Group {
    // In the queue or running.
    int let_in = 0;
    // Behind them, in their order.
    std::deque<Queued> held;
  };

  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  bool MayTake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !tasks_.empty();
  }
  // Whether another task may wait, for so long.
  bool Admits(absl::Duration wait, absl::Time deadline) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration WaitInQueue(absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration Wait(absl::Duration now, std::string_view group) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsFull(const Group& group) const { return group.let_in >= max_of_group_; }
  // Lets the next of the group in whose task has ended.
  void GoOn(const std::string& group, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int thread_count_;
  const size_t queue_limit_;
  const int max_of_group_;
  mutable absl::Mutex mutex_;
  std::deque<Queued> tasks_ ABSL_GUARDED_BY(mutex_);
  size_t joined_ ABSL_GUARDED_BY(mutex_) = 0;
  // Those that have tasks.
  std::map<std::string, Group, std::less<>> groups_ ABSL_GUARDED_BY(mutex_);
  size_t held_ ABSL_GUARDED_BY(mutex_) = 0;
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of a task.
  limit::Pace pace_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace alma::rpc
