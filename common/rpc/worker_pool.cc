#include "common/rpc/worker_pool.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/limit/clock.h"
#include "common/limit/spread.h"

namespace alma::rpc {

WorkerPool::WorkerPool(int threads, size_t queue_limit)
    : thread_count_(threads), queue_limit_(queue_limit) {
  threads_.reserve(threads);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkerPool::~WorkerPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::Submit(Task task, absl::Time deadline) {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  if (!Admits(now, deadline)) return false;
  tasks_.push_back({std::move(task), now});
  return true;
}

bool WorkerPool::Join(absl::Time deadline) {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  if (!Admits(now, deadline)) return false;
  ++joined_;
  return true;
}

void WorkerPool::Leave(size_t joined) {
  absl::MutexLock lock(&mutex_);
  joined_ -= joined;
}

bool WorkerPool::Admits(absl::Duration now, absl::Time deadline) const {
  if (tasks_.size() + joined_ >= queue_limit_) return false;
  const absl::Duration left =
      deadline == absl::InfiniteFuture() ? absl::InfiniteDuration() : deadline - absl::Now();
  return !limit::TooLong(Wait(now), left);
}

absl::Duration WorkerPool::Wait(absl::Duration now) const {
  const int ahead = static_cast<int>(tasks_.size()) + 1 - idle_;
  if (ahead <= 0) return absl::ZeroDuration();
  const absl::Duration by_pace = pace_.mean() * ahead / thread_count_;
  return tasks_.empty() ? by_pace : std::max(by_pace, now - tasks_.front().since);
}

size_t WorkerPool::queued() const {
  absl::MutexLock lock(&mutex_);
  return tasks_.size() + joined_;
}

absl::Duration WorkerPool::ExpectedWait() const {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  return Wait(now);
}

absl::Duration WorkerPool::RetryAfter() const {
  return limit::Spread(std::clamp(ExpectedWait(), kMinRetry, kMaxRetry));
}

void WorkerPool::Work() {
  absl::Duration began = absl::InfiniteDuration();
  while (true) {
    Task task;
    const absl::Duration ended = limit::MonotonicNow();
    {
      absl::MutexLock lock(&mutex_);
      if (began != absl::InfiniteDuration()) pace_.Add(ended - began);
      ++idle_;
      mutex_.Await(absl::Condition(this, &WorkerPool::MayTake));
      --idle_;
      if (tasks_.empty()) return;
      task = std::move(tasks_.front().task);
      tasks_.pop_front();
    }
    began = limit::MonotonicNow();
    task();
  }
}

}  // namespace alma::rpc
