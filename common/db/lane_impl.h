#pragma once

#include <algorithm>
#include <system_error>

#include "absl/time/clock.h"
#include "common/db/lane.h"
#include "common/limit/clock.h"

// The bodies of Lane's template.
namespace alma::db {

template <typename Item>
Lane<Item>::~Lane() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (worker_.joinable()) worker_.join();
  {
    absl::MutexLock lock(&mutex_);
    rounds_over_ = true;
  }
  if (rest_worker_.joinable()) rest_worker_.join();
}

template <typename Item>
bool Lane<Item>::Started() {
  try {
    if (!rest_worker_.joinable()) rest_worker_ = start_([this] { WorkOnRests(); });
    if (!worker_.joinable()) worker_ = start_([this] { Work(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

template <typename Item>
absl::Duration Lane<Item>::Wait(absl::Duration now) const {
  if (queue_.empty() && !round_runs_) return absl::ZeroDuration();
  const size_t full =
      std::max(queue_.size() / limits_.round_items, queued_bytes_ / limits_.round_bytes);
  const size_t rounds = full + (round_runs_ ? 2 : 1);
  const absl::Duration by_pace = pace_.mean() * rounds;
  return queue_.empty() ? by_pace : std::max(by_pace, now - queue_.front().since);
}

template <typename Item>
bool Lane<Item>::Submit(Item& item, size_t bytes, absl::Time deadline) {
  const absl::Duration now = limit::MonotonicNow();
  const absl::Duration left = deadline - absl::Now();
  absl::MutexLock lock(&mutex_);
  const bool has_room = queue_.size() < limits_.queued_items &&
                        (queue_.empty() || queued_bytes_ + bytes <= limits_.queued_bytes);
  // An item that is queued before its thread is certain would outlive a refusal.
  if (!has_room || limit::TooLong(Wait(now), left) || !Started()) return false;
  queue_.push_back({std::move(item), bytes, now});
  queued_bytes_ += bytes;
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
      round_runs_ = false;
      mutex_.Await(absl::Condition(this, &Lane::MayWork));
      if (queue_.empty()) return;
      items = TakeRound();
      round_runs_ = true;
    }
    const bool alone = items.size() == 1;
    const absl::Duration begun = limit::MonotonicNow();
    Rest rest = round_(std::move(items));
    const absl::Duration taken = limit::MonotonicNow() - begun;
    {
      absl::MutexLock lock(&mutex_);
      pace_.Add(taken);
      // Only for one that came alone is the other thread's waking longer than the rest itself.
      if (!alone || !queue_.empty() || rest_runs_ || !rests_.empty()) {
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
      rest_runs_ = false;
      mutex_.Await(absl::Condition(this, &Lane::MayWorkOnRests));
      if (rests_.empty()) return;
      rest = std::move(rests_.front());
      rests_.pop_front();
      rest_runs_ = true;
    }
    rest();
  }
}

}  // namespace alma::db
