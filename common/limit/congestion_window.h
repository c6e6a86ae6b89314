#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "common/limit/clock.h"

namespace alma::limit {

// How many calls may be on their way to a server that refuses what is too much for it, so that most
// of what it would refuse is not sent: as TCP's congestion window it shrinks by a factor when the
// server refuses a call and grows again when it doesn't. Any number before the first refusal.
// Thread-safe; a call takes its place without a lock.
class CongestionWindow {
 public:
  // What a refusal leaves of the number that was on its way.
  static constexpr double kLeft = 0.8;
  // How long the window takes to double: what a refusal took off is there again after a third of
  // this.
  static constexpr absl::Duration kDoubles = absl::Seconds(1);
  // The narrowest.
  static constexpr int kMinCalls = 16;

  // One call on its way, until destruction. The window outlives it.
  class Call {
   public:
    Call(Call&& other) noexcept
        : window_(std::exchange(other.window_, nullptr)), round_(other.round_) {}
    Call& operator=(Call&& other) noexcept {
      std::swap(window_, other.window_);
      std::swap(round_, other.round_);
      return *this;
    }
    ~Call() {
      if (window_ != nullptr) window_->running_.fetch_sub(1, std::memory_order_relaxed);
    }

    // The server has refused it because it has too much to do. Of the calls that were on their way
    // together only the first counts.
    void Refused();

   private:
    friend class CongestionWindow;
    Call(CongestionWindow& window, uint32_t round) : window_(&window), round_(round) {}

    CongestionWindow* window_;
    // How often the window had shrunk when it began.
    uint32_t round_;
  };

  explicit CongestionWindow(Clock clock = MonotonicNow) : clock_(std::move(clock)) {}

  // Nothing where the window is full.
  std::optional<Call> Begin();

 private:
  double Size() const;

  const Clock clock_;
  std::atomic<int> running_ = 0;
  std::atomic<uint32_t> rounds_ = 0;
  // The size of the window at `shrunk_at_`, in nanoseconds of the clock. One may be newer than the
  // other for a moment, in which the window is as wide as before or narrower than it will be.
  std::atomic<double> shrunk_to_ = std::numeric_limits<double>::infinity();
  std::atomic<int64_t> shrunk_at_ = 0;
};

// A window for each part of the organizations: a service also refuses what is too much of one
// organization alone, which is not to keep the others from it.
class CongestionWindows {
 public:
  CongestionWindow& Of(const std::string& organization) {
    return windows_[std::hash<std::string>()(organization) % windows_.size()];
  }

 private:
  std::array<CongestionWindow, 64> windows_;
};

}  // namespace alma::limit
