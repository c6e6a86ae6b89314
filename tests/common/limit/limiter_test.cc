#include "common/limit/limiter.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/concurrently.h"

namespace alma::limit {
namespace {

using Limit = Limiter::Refusal::Limit;

constexpr char kKey[] = "0190f3a2-7c1e-7b4d-8f00-00000000000a";
constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-00000000000b";

// A limiter whose time only the test case moves.
struct Timed {
  explicit Timed(const Limits& limits) : limiter(limits, [this] { return now; }) {}

  // What a call of `key` gets that ends at once.
  std::optional<Limiter::Refusal> Call(const std::string& key = kKey) {
    Limiter::Slot slot;
    return limiter.Admit(key, kOrganization, &slot);
  }

  absl::Duration now = absl::Hours(1);
  Limiter limiter;
};

TEST_CASE("a key may begin its burst at once and then a call whenever a token comes") {
  Timed timed({.key_rate = 10, .key_burst = 3});
  for (int i = 0; i < 3; ++i) CHECK_FALSE(timed.Call().has_value());
  for (int i = 0; i < 5; ++i) {
    const auto refused = timed.Call();
    REQUIRE(refused.has_value());
    CHECK(refused->limit == Limit::kKeyRate);
    CHECK(refused->retry_after == absl::Milliseconds(100));
    timed.now += absl::Milliseconds(99);
    CHECK(timed.Call()->retry_after == absl::Milliseconds(1));
    timed.now += absl::Milliseconds(1);
    CHECK_FALSE(timed.Call().has_value());
  }
}

TEST_CASE("a key that rests saves up its burst and no more") {
  Timed timed({.key_rate = 10, .key_burst = 3});
  for (const absl::Duration rest : {absl::Milliseconds(300), absl::Hours(1)}) {
    for (int i = 0; i < 3; ++i) CHECK_FALSE(timed.Call().has_value());
    CHECK(timed.Call().has_value());
    timed.now += rest;
  }
}

TEST_CASE("a key that asks as often as it may is never refused") {
  Timed timed({.key_rate = 1000, .key_burst = 1});
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE_FALSE(timed.Call().has_value());
    timed.now += absl::Milliseconds(1);
  }
}

TEST_CASE("a caller that waits as long as it is told to gets in and many share the rate") {
  Timed timed({.key_rate = 10, .key_burst = 1});
  const absl::Duration begun = timed.now;
  // Callers and when each of them tries again.
  std::deque<absl::Duration> callers(20, timed.now);
  int admitted = 0;
  while (!callers.empty()) {
    timed.now = std::max(timed.now, callers.front());
    callers.pop_front();
    const auto refused = timed.Call();
    if (refused.has_value()) {
      callers.push_back(timed.now + refused->retry_after);
    } else {
      ++admitted;
    }
  }
  CHECK(admitted == 20);
  CHECK(timed.now - begun == absl::Milliseconds(1900));
}

TEST_CASE("each key has a bucket of its own") {
  Timed timed({.key_rate = 1, .key_burst = 1});
  CHECK_FALSE(timed.Call("a").has_value());
  CHECK_FALSE(timed.Call("b").has_value());
  CHECK(timed.Call("a").has_value());
  CHECK(timed.Call("b").has_value());
}

TEST_CASE("without limits every call gets in and nothing is remembered") {
  Timed timed({});
  for (int i = 0; i < 1000; ++i) REQUIRE_FALSE(timed.Call().has_value());
  CHECK(timed.limiter.remembered() == 0);
}

TEST_CASE("an organization has as many calls at a time as it may and each that ends makes room") {
  Timed timed({.organization_concurrency = 2});
  Limiter::Slot first;
  Limiter::Slot second;
  Limiter::Slot third;
  CHECK_FALSE(timed.limiter.Admit("a", kOrganization, &first).has_value());
  CHECK_FALSE(timed.limiter.Admit("b", kOrganization, &second).has_value());
  const auto refused = timed.limiter.Admit("c", kOrganization, &third);
  REQUIRE(refused.has_value());
  CHECK(refused->limit == Limit::kOrganizationConcurrency);
  CHECK(refused->retry_after >= Limiter::kRetryConcurrency);
  CHECK(refused->retry_after <= 1.5 * Limiter::kRetryConcurrency);
  CHECK_FALSE(timed.limiter.Admit("a", "another organization", &third).has_value());
  first.Release();
  first.Release();
  CHECK_FALSE(timed.Call().has_value());
  {
    const Limiter::Slot moved = std::move(second);
    CHECK_FALSE(timed.Call().has_value());
    CHECK_FALSE(timed.limiter.Admit("a", kOrganization, &first).has_value());
    CHECK(timed.Call().has_value());
  }
  CHECK_FALSE(timed.Call().has_value());
}

TEST_CASE("calls of an organization that are refused together are not to come back together") {
  Timed timed({.organization_concurrency = 1});
  Limiter::Slot running;
  REQUIRE_FALSE(timed.limiter.Admit("a", kOrganization, &running).has_value());
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  for (int i = 0; i < 100; ++i) {
    const absl::Duration wait = timed.Call()->retry_after;
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  CHECK(longest - shortest > Limiter::kRetryConcurrency / 10);
}

TEST_CASE("a call that one limit refuses leaves the other as it was") {
  Timed timed({.key_rate = 1, .key_burst = 2, .organization_concurrency = 1});
  Limiter::Slot slot;
  CHECK_FALSE(timed.limiter.Admit(kKey, kOrganization, &slot).has_value());
  for (int i = 0; i < 5; ++i) CHECK(timed.Call()->limit == Limit::kOrganizationConcurrency);
  slot.Release();
  CHECK_FALSE(timed.Call().has_value());
  for (int i = 0; i < 5; ++i) CHECK(timed.Call()->limit == Limit::kKeyRate);
  CHECK_FALSE(timed.limiter.Admit("another key", kOrganization, &slot).has_value());
}

TEST_CASE("keys with a full bucket and organizations without calls are forgotten") {
  Timed timed({.key_rate = 10, .key_burst = 10, .organization_concurrency = 5});
  Limiter::Slot held;
  REQUIRE_FALSE(timed.limiter.Admit("held", "held", &held).has_value());
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 1000; ++i) {
      Limiter::Slot slot;
      const std::string name = absl::StrCat(round, "/", i);
      REQUIRE_FALSE(timed.limiter.Admit(name, name, &slot).has_value());
    }
    timed.now += absl::Seconds(1);
  }
  CHECK(timed.limiter.remembered() < 8000);
  // What is held is not among what was forgotten.
  std::vector<Limiter::Slot> others(4);
  for (Limiter::Slot& other : others) {
    CHECK_FALSE(timed.limiter.Admit("other", "held", &other).has_value());
  }
  Limiter::Slot one_more;
  CHECK(timed.limiter.Admit("other", "held", &one_more).has_value());
}

TEST_CASE("more keys than can be remembered take no more room") {
  Timed timed({.key_rate = 0.001, .key_burst = 1});
  for (size_t i = 0; i < 3 * Limiter::kMaxKeys; ++i) {
    REQUIRE_FALSE(timed.Call(absl::StrCat("key ", i)).has_value());
  }
  CHECK(timed.limiter.remembered() <= Limiter::kMaxKeys);
}

TEST_CASE("many threads get as many tokens as there are and never too many slots", "[threads]") {
  constexpr int kThreads = 8;
  constexpr int kCalls = 20'000;
  constexpr int kBurst = 1000;
  std::atomic<int64_t> now = 1;
  Limiter limiter({.key_rate = 0.001, .key_burst = kBurst, .organization_concurrency = 4},
                  [&now] { return absl::Nanoseconds(now.load()); });
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int> admitted = 0;
  testing::Concurrently(kThreads, [&](int thread) {
    for (int i = 0; i < kCalls; ++i) {
      Limiter::Slot slot;
      // Every other call is of a key that nobody else uses, so that shards are swept meanwhile.
      const bool shared = i % 2 == 0;
      const std::string key = shared ? kKey : absl::StrCat(thread, "/", i);
      if (limiter.Admit(key, kOrganization, &slot).has_value()) continue;
      const int now_running = ++running;
      int seen = most;
      while (seen < now_running && !most.compare_exchange_weak(seen, now_running)) {
      }
      if (shared) ++admitted;
      --running;
    }
  });
  CHECK(most <= 4);
  CHECK(admitted == kBurst);
  std::vector<Limiter::Slot> slots(4);
  for (Limiter::Slot& slot : slots) {
    CHECK_FALSE(limiter.Admit("a new key", kOrganization, &slot).has_value());
    now += absl::ToInt64Nanoseconds(absl::Seconds(1000));
  }
}

}  // namespace
}  // namespace alma::limit
