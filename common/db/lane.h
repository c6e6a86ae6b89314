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
#include "absl/time/time.h"
#include "common/limit/pace.h"

namespace alma::db {

// A bounded queue and the thread that empties it in rounds: each takes, in their order, the items
// that have gathered while the one before ran. So an item that comes alone waits for nobody, and
// the more come at once the more share a round. Thread-safe. Who makes or uses one includes
// lane_impl.h.
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

  // What a round leaves to be done once it is over. Rests run one after another, in the order of
  // their rounds, on a thread of their own beside the next round; that of an item that came alone
  // runs at once where no other waits.
  using Rest = absl::AnyInvocable<void()>;
  using Round = std::function<Rest(std::vector<Item>)>;
  // Throws std::system_error where there is no room for another thread.
  using StartThread = std::function<std::thread(std::function<void()>)>;

  // The threads begin with the first item. `round` must not throw.
  Lane(
      Limits limits, Round round,
      StartThread start = [](const std::function<void()>& body) { return std::thread(body); })
      : limits_(limits), round_(std::move(round)), start_(std::move(start)) {}

  // Runs what is queued, then joins.
  ~Lane();

  // Queues an item that holds `bytes`; false, with the item left as it is, when there is no room,
  // or no thread to be had, or when its round would probably end after half of the time until
  // `deadline`.
  [[nodiscard]] bool Submit(Item& item, size_t bytes, absl::Time deadline = absl::InfiniteFuture())
      ABSL_LOCKS_EXCLUDED(mutex_);

  // For a round that lasts, and for it alone: what another would begin with now; maybe nothing.
  std::vector<Item> TakeMore() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return TakeRound();
  }

 private:
  // How many rests may wait before the rounds do.
  static constexpr size_t kMaxRests = 2;

  struct Queued {
    Item item;
    size_t bytes;
    absl::Duration since;
  };

  bool Started() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  void WorkOnRests() ABSL_LOCKS_EXCLUDED(mutex_);
  // Until the round of an item that comes now would probably end, where others are before it: by
  // the pace of the last rounds, and no less than the first in the queue has waited so far.
  absl::Duration Wait(absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Item> TakeRound() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queue_.empty() ? stopping_ : rests_.size() < kMaxRests;
  }
  bool MayWorkOnRests() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return rounds_over_ || !rests_.empty();
  }

  const Limits limits_;
  const Round round_;
  const StartThread start_;
  absl::Mutex mutex_;
  std::deque<Queued> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool round_runs_ ABSL_GUARDED_BY(mutex_) = false;
  // Of a round.
  limit::Pace pace_ ABSL_GUARDED_BY(mutex_);
  std::deque<Rest> rests_ ABSL_GUARDED_BY(mutex_);
  bool rest_runs_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool rounds_over_ ABSL_GUARDED_BY(mutex_) = false;
  // Set by the first Submit, joined by the destructor.
  std::thread worker_;
  std::thread rest_worker_;
};

}  // namespace alma::db
