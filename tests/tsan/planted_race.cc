#include <atomic>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "common/rpc/worker_pool.h"

// A test looks for the race that stands here in ThreadSanitizer's report: two tasks meet, which
// orders nothing, and change an int without a lock.
int main() {
  std::atomic<int> met = 0;
  absl::Mutex mutex;
  int guarded = 0;
  int unguarded = 0;
  const auto task = [&] {
    met.fetch_add(1, std::memory_order_relaxed);
    while (met.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
    ++unguarded;
    absl::MutexLock lock(&mutex);
    ++guarded;
  };
  {
    alma::rpc::WorkerPool pool(2, 2);
    if (!pool.Submit(task) || !pool.Submit(task)) return 1;
  }
  return guarded == 2 ? 0 : 1;
}
