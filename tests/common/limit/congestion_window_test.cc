#include "common/limit/congestion_window.h"

#include <atomic>
#include <optional>
#include <vector>

#include "catch2/catch.hpp"
#include "tests/support/concurrently.h"

namespace alma::limit {
namespace {

// A window whose time only the test case moves, and the calls that are on their way.
struct Timed {
  // How many of `count` calls begin.
  int Begin(int count) {
    int begun = 0;
    for (int i = 0; i < count; ++i) {
      auto call = window.Begin();
      if (!call.has_value()) continue;
      calls.push_back(*std::move(call));
      ++begun;
    }
    return begun;
  }

  absl::Duration now = absl::Hours(1);
  CongestionWindow window{[this] { return now; }};
  std::vector<CongestionWindow::Call> calls;
};

TEST_CASE("a window that nobody has refused for has room for any number") {
  Timed timed;
  CHECK(timed.Begin(10'000) == 10'000);
}

TEST_CASE("a refusal leaves four fifths of what was on its way") {
  Timed timed;
  timed.Begin(100);
  timed.calls.back().Refused();
  CHECK(timed.Begin(10) == 0);
  timed.calls.clear();
  CHECK(timed.Begin(200) == 80);
}

TEST_CASE("calls that were on their way together shrink the window once") {
  Timed timed;
  timed.Begin(100);
  for (CongestionWindow::Call& call : timed.calls) call.Refused();
  timed.calls.clear();
  CHECK(timed.Begin(200) == 80);
  timed.calls.back().Refused();
  timed.calls.clear();
  CHECK(timed.Begin(200) == 64);
}

TEST_CASE("a window doubles each second after a refusal") {
  Timed timed;
  timed.Begin(100);
  timed.calls.back().Refused();
  timed.calls.clear();
  timed.now += absl::Seconds(1);
  CHECK(timed.Begin(500) == 160);
  timed.now += absl::Seconds(2);
  CHECK(timed.Begin(1000) == 480);
  timed.now += absl::Hours(24 * 365);
  CHECK(timed.Begin(10'000) == 10'000);
}

TEST_CASE("a window has room for some calls whatever the server refuses") {
  Timed timed;
  for (int i = 0; i < 100; ++i) {
    timed.Begin(1);
    timed.calls.back().Refused();
    timed.calls.clear();
  }
  CHECK(timed.Begin(100) == CongestionWindow::kMinCalls);
}

TEST_CASE("callers at once never have more calls on their way than the window has room for",
          "[threads]") {
  Timed timed;
  timed.Begin(40);
  timed.calls.back().Refused();
  timed.calls.clear();
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> refused = 0;
  testing::Concurrently(8, [&](int) {
    for (int i = 0; i < 2000; ++i) {
      std::vector<CongestionWindow::Call> calls;
      for (int j = 0; j < 8; ++j) {
        auto call = timed.window.Begin();
        if (!call.has_value()) {
          ++refused;
          continue;
        }
        calls.push_back(*std::move(call));
        const int now = ++running;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
      }
      running -= static_cast<int>(calls.size());
    }
  });
  CHECK(most <= 32);
  CHECK(timed.Begin(100) == 32);
}

}  // namespace
}  // namespace alma::limit
