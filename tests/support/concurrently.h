#pragma once

#include <functional>
#include <thread>
#include <vector>

namespace alma::testing {

// Calls `body` with 0 to `threads` - 1, each in a thread of its own, and waits for all. Catch2's
// assertions are not for threads: `body` leaves what it found for the caller to check.
inline void Concurrently(int threads, const std::function<void(int)>& body) {
  std::vector<std::thread> running;
  running.reserve(threads);
  for (int i = 0; i < threads; ++i) running.emplace_back(body, i);
  for (std::thread& thread : running) thread.join();
}

}  // namespace alma::testing
