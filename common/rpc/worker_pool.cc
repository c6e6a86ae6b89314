#include "common/rpc/worker_pool.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/limit/clock.h"
#include "common/limit/spread.h"

namespace alma::rpc {

WorkerPool::WorkerPool(int threads, size_t queue_limit)
    : thread_count_(threads),
      queue_limit_(queue_limit),
      max_of_group_(std::clamp(threads - 1, 1, kMaxOfGroup)) {
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

bool WorkerPool::Submit(Task task, absl::Time deadline, std::string_view group) {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  if (!Admits(Wait(now, group), deadline)) return false;
  Queued queued{std::move(task), now, std::string(group)};
  Group* const own = group.empty() ? nullptr : &groups_[queued.group];
  if (own != nullptr && IsFull(*own)) {
    own->held.push_back(std::move(queued));
    ++held_;
    return true;
  }
  if (own != nullptr) ++own->let_in;
  tasks_.push_back(std::move(queued));
  return true;
}

bool WorkerPool::Join(absl::Time deadline) {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  if (!Admits(WaitInQueue(now), deadline)) return false;
  ++joined_;
  return true;
}

void WorkerPool::Leave(size_t joined) {
  absl::MutexLock lock(&mutex_);
  joined_ -= joined;
}

bool WorkerPool::Admits(absl::Duration wait, absl::Time deadline) const {
  if (tasks_.size() + joined_ + held_ >= queue_limit_) return false;
  const absl::Duration left =
      deadline == absl::InfiniteFuture() ? absl::InfiniteDuration() : deadline - absl::Now();
  return !limit::TooLong(wait, left);
}

absl::Duration WorkerPool::WaitInQueue(absl::Duration now) const {
  const int ahead = static_cast<int>(tasks_.size()) + 1 - idle_;
  if (ahead <= 0) return absl::ZeroDuration();
  const absl::Duration by_pace = pace_.mean() * ahead / thread_count_;
  return tasks_.empty() ? by_pace : std::max(by_pace, now - tasks_.front().since);
}

absl::Duration WorkerPool::Wait(absl::Duration now, std::string_view group) const {
  const absl::Duration in_queue = WaitInQueue(now);
  const auto known = group.empty() ? groups_.end() : groups_.find(group);
  if (known == groups_.end() || !IsFull(known->second)) return in_queue;
  const std::deque<Queued>& held = known->second.held;
  // Each of them queues once those before it have ended.
  const absl::Duration turn = pace_.mean() + in_queue;
  const absl::Duration by_pace = turn * static_cast<double>(held.size() + 1) / max_of_group_;
  return held.empty() ? by_pace : std::max(by_pace, now - held.front().since);
}

void WorkerPool::GoOn(const std::string& group, absl::Duration now) {
  const auto known = groups_.find(group);
  if (known->second.held.empty()) {
    if (--known->second.let_in == 0) groups_.erase(known);
    return;
  }
  Queued next = std::move(known->second.held.front());
  known->second.held.pop_front();
  --held_;
  // What it has waited for its group says nothing of the queue.
  next.since = now;
  tasks_.push_back(std::move(next));
}

size_t WorkerPool::queued() const {
  absl::MutexLock lock(&mutex_);
  return tasks_.size() + joined_ + held_;
}

absl::Duration WorkerPool::ExpectedWait(std::string_view group) const {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  return Wait(now, group);
}

absl::Duration WorkerPool::RetryAfter(std::string_view group) const {
  return limit::Spread(std::clamp(ExpectedWait(group), kMinRetry, kMaxRetry));
}

void WorkerPool::Work() {
  absl::Duration began = absl::InfiniteDuration();
  std::string group;
  while (true) {
    Task task;
    const absl::Duration ended = limit::MonotonicNow();
    {
      absl::MutexLock lock(&mutex_);
      if (began != absl::InfiniteDuration()) pace_.Add(ended - began);
      if (!group.empty()) GoOn(group, ended);
      ++idle_;
      mutex_.Await(absl::Condition(this, &WorkerPool::MayTake));
      --idle_;
      if (tasks_.empty()) return;
      task = std::move(tasks_.front().task);
      group = std::move(tasks_.front().group);
      tasks_.pop_front();
    }
    began = limit::MonotonicNow();
    task();
  }
}

}  // namespace alma::rpc
