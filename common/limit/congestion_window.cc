#include "common/limit/congestion_window.h"

#include <algorithm>
#include <cmath>

namespace alma::limit {

std::optional<CongestionWindow::Call> CongestionWindow::Begin() {
  const uint32_t round = rounds_.load(std::memory_order_acquire);
  Call call(*this, round);
  const int running = running_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (round != 0 && running > Size()) return std::nullopt;
  return call;
}

double CongestionWindow::Size() const {
  const absl::Duration since = clock_() - absl::Nanoseconds(shrunk_at_.load());
  return shrunk_to_.load() * std::exp2(absl::FDivDuration(since, kDoubles));
}

void CongestionWindow::Call::Refused() {
  CongestionWindow& window = *window_;
  const int running = window.running_.load(std::memory_order_relaxed);
  // A call that began before the window shrank says nothing of the size that it has now.
  if (!window.rounds_.compare_exchange_strong(round_, round_ + 1)) return;
  window.shrunk_to_.store(std::max<double>(kMinCalls, kLeft * running));
  window.shrunk_at_.store(absl::ToInt64Nanoseconds(window.clock_()));
}

}  // namespace alma::limit
