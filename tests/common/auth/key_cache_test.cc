#include "common/auth/key_cache.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/common/auth/known_keys.h"

namespace alma::auth {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

bool Knows(const KeyCache& cache, int n) { return cache.Find(HashOf(n), kNow).key != nullptr; }
bool KnowsAsUnknown(const KeyCache& cache, int n, absl::Time now = kNow) {
  return cache.Find(HashOf(n), now).unknown;
}

TEST_CASE("a change drops what was read before it and nothing else") {
  KeyCache cache(10);
  CHECK(cache.change_seq() == -1);
  cache.Apply(Heartbeat(3), kNow);
  REQUIRE(cache.Keep(HashOf(1), Key(4), cache.epoch()));
  REQUIRE(cache.Keep(HashOf(2), Key(5), cache.epoch()));
  REQUIRE(cache.Keep(HashOf(3), Key(4), cache.epoch()));
  // Key 2 was read when this had happened already.
  CHECK_FALSE(cache.Apply(KeyChange(5, HashOf(2), false), kNow));
  CHECK(cache.Apply(KeyChange(6, HashOf(3), false), kNow));
  CHECK_FALSE(cache.Apply(Heartbeat(6), kNow));
  CHECK(cache.change_seq() == 6);
  CHECK(Knows(cache, 1));
  CHECK(Knows(cache, 2));
  CHECK_FALSE(Knows(cache, 3));
  CHECK_FALSE(KnowsAsUnknown(cache, 3));
}

TEST_CASE("the change of an organization drops its keys and nobody else's") {
  KeyCache cache(10);
  const bool active = GENERATE(false, true);
  cache.Apply(Heartbeat(3), kNow);
  for (int i = 0; i < 3; ++i) REQUIRE(cache.Keep(HashOf(i), Key(4), cache.epoch()));
  REQUIRE(cache.Keep(HashOf(3), Key(4, kOtherOrganization), cache.epoch()));
  REQUIRE(cache.Keep(HashOf(4), Key(9), cache.epoch()));
  CHECK(cache.Apply(OrganizationChange(7, kOrganization, active), kNow));
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(Knows(cache, i));
    // Nobody needs to ask for those.
    CHECK(KnowsAsUnknown(cache, i) == !active);
  }
  CHECK(Knows(cache, 3));
  CHECK(Knows(cache, 4));
  CHECK(cache.size() == 2);
}

TEST_CASE("an answer that is older than what has been seen is not kept") {
  KeyCache cache(10);
  cache.Apply(Heartbeat(8), kNow);
  CHECK_FALSE(cache.Keep(HashOf(1), Key(7), cache.epoch()));
  CHECK_FALSE(Knows(cache, 1));
  CHECK(cache.Keep(HashOf(1), Key(8), cache.epoch()));
  CHECK(Knows(cache, 1));
}

TEST_CASE("what was read before the changes were followed does not count behind them") {
  KeyCache cache(10);
  REQUIRE(cache.Keep(HashOf(1), Key(4), cache.epoch()));
  REQUIRE(cache.Keep(HashOf(2), Key(5), cache.epoch()));
  CHECK(cache.Apply(Heartbeat(5), kNow));
  CHECK_FALSE(Knows(cache, 1));
  CHECK(Knows(cache, 2));
}

TEST_CASE("a store that was restored begins anew") {
  KeyCache cache(10);
  cache.Apply(Heartbeat(100), kNow);
  const int64_t epoch = cache.epoch();
  REQUIRE(cache.Keep(HashOf(1), Key(100), epoch));
  CHECK(cache.Apply(Heartbeat(50), kNow));
  CHECK_FALSE(Knows(cache, 1));
  CHECK(cache.change_seq() == 50);
  // It was asked for before the restore, whatever its number.
  CHECK_FALSE(cache.Keep(HashOf(1), Key(100), epoch));
  CHECK_FALSE(cache.KeepUnknown(HashOf(2), kNow, epoch));
  CHECK(cache.Keep(HashOf(1), Key(50), cache.epoch()));
}

TEST_CASE("what is forgotten in this process overtakes answers on their way") {
  KeyCache cache(10);
  const bool of_one = GENERATE(false, true);
  REQUIRE(cache.Keep(HashOf(1), Key(4), cache.epoch()));
  REQUIRE(cache.Keep(HashOf(2), Key(4, kOtherOrganization), cache.epoch()));
  REQUIRE(cache.KeepUnknown(HashOf(3), kNow, cache.epoch()));
  const int64_t epoch = cache.epoch();
  if (of_one) {
    cache.Forget(kOrganization);
  } else {
    cache.Forget();
  }
  CHECK_FALSE(Knows(cache, 1));
  CHECK(Knows(cache, 2) == of_one);
  CHECK_FALSE(KnowsAsUnknown(cache, 3));
  CHECK_FALSE(cache.Keep(HashOf(1), Key(4), epoch));
  CHECK_FALSE(cache.KeepUnknown(HashOf(3), kNow, epoch));
}

TEST_CASE("what happens to others overtakes no answer on its way") {
  KeyCache cache(10);
  cache.Apply(Heartbeat(3), kNow);
  const int64_t epoch = cache.epoch();
  for (int i = 4; i < 10; ++i) {
    cache.Apply(KeyChange(i, HashOf(i), true), kNow);
    cache.Forget(kOtherOrganization);
  }
  cache.Apply(OrganizationChange(10, kOtherOrganization, true), kNow);
  CHECK(cache.Keep(HashOf(1), Key(3), epoch));
  CHECK(Knows(cache, 1));
  CHECK_FALSE(cache.Keep(HashOf(2), Key(3, kOtherOrganization), epoch));
  CHECK_FALSE(cache.Keep(HashOf(2), Key(9, kOtherOrganization), cache.epoch()));
  CHECK(cache.Keep(HashOf(2), Key(10, kOtherOrganization), cache.epoch()));
  CHECK_FALSE(cache.Keep(HashOf(5), Key(4), epoch));
  CHECK(cache.Keep(HashOf(5), Key(5), epoch));
}

TEST_CASE("more changes than are remembered one by one overtake all that is on its way") {
  KeyCache cache(10);
  constexpr int kNames = static_cast<int>(Newest<std::string>::kNames);
  cache.Apply(Heartbeat(0), kNow);
  const int64_t epoch = cache.epoch();
  for (int i = 1; i <= kNames; ++i) cache.Apply(KeyChange(i, HashOf(i), false), kNow);
  REQUIRE(cache.Keep(HashOf(0), Key(0), epoch));
  cache.Apply(KeyChange(kNames + 1, HashOf(kNames + 1), false), kNow);
  CHECK_FALSE(cache.Keep(HashOf(0), Key(kNames), epoch));
  CHECK(cache.Keep(HashOf(0), Key(kNames + 1), epoch));
  for (int i = 1; i <= kNames; ++i) cache.Forget(std::to_string(i));
  REQUIRE(cache.Keep(HashOf(0), Key(kNames + 1), epoch));
  cache.Forget(kOtherOrganization);
  CHECK_FALSE(cache.Keep(HashOf(0), Key(kNames + 1), epoch));
}

TEST_CASE("a change without a name overtakes all that is on its way") {
  KeyCache cache(10);
  cache.Apply(Heartbeat(3), kNow);
  cache.Apply(Heartbeat(5), kNow);
  CHECK_FALSE(cache.Keep(HashOf(1), Key(4), cache.epoch()));
  CHECK(cache.Keep(HashOf(1), Key(5), cache.epoch()));
}

TEST_CASE("a key that is not in force is remembered as such for a second") {
  KeyCache cache(10);
  REQUIRE(cache.Keep(HashOf(1), Key(4), cache.epoch()));
  REQUIRE(cache.KeepUnknown(HashOf(1), kNow, cache.epoch()));
  CHECK_FALSE(Knows(cache, 1));
  CHECK(KnowsAsUnknown(cache, 1));
  CHECK_FALSE(KnowsAsUnknown(cache, 1, kNow + absl::Seconds(1)));
  // Until it is made.
  cache.Apply(KeyChange(5, HashOf(1), false), kNow);
  CHECK_FALSE(KnowsAsUnknown(cache, 1));
  cache.Apply(KeyChange(6, HashOf(1), true), kNow);
  CHECK(KnowsAsUnknown(cache, 1));
  cache.Apply(OrganizationChange(7, kOtherOrganization, true), kNow);
  CHECK_FALSE(KnowsAsUnknown(cache, 1));
  REQUIRE(cache.KeepUnknown(HashOf(1), kNow, cache.epoch()));
  REQUIRE(cache.Keep(HashOf(1), Key(7), cache.epoch()));
  CHECK(Knows(cache, 1));
}

TEST_CASE("a full memory gives up what is not used and keys that do not exist take no room") {
  constexpr int kCapacity = 100;
  KeyCache cache(kCapacity);
  for (int i = 0; i < kCapacity; ++i) REQUIRE(cache.Keep(HashOf(i), Key(1), cache.epoch()));
  for (int i = 1000; i < 21'000; ++i) {
    REQUIRE(cache.KeepUnknown(HashOf(i), kNow, cache.epoch()));
  }
  CHECK(cache.size() == kCapacity);
  for (int used = 0; used < 10; ++used) CHECK(Knows(cache, used));
  // Ten of them are used again and again while many others come.
  for (int i = 1000; i < 3000; ++i) {
    REQUIRE(cache.Keep(HashOf(i), Key(1), cache.epoch()));
    for (int used = 0; used < 10; ++used) CHECK(Knows(cache, used));
  }
  CHECK(cache.size() == kCapacity);
  CHECK(Knows(cache, 2999));
  // Those of an organization are found behind all that too.
  CHECK(cache.Apply(OrganizationChange(9, kOrganization, true), kNow));
  CHECK(cache.size() == 0);
}

TEST_CASE("keys are found and kept and dropped by many threads at once", "[threads]") {
  KeyCache cache(50);
  std::atomic<int64_t> change_seq = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5000; ++n) {
        const int64_t epoch = cache.epoch();
        const int64_t seen = change_seq;
        const bool kept = cache.Keep(HashOf(n % 100), Key(seen), epoch);
        const auto found = cache.Find(HashOf((n + i) % 100), kNow);
        if (found.key != nullptr && found.key->principal.organization_uuid() != kOrganization) {
          ++wrong;
        }
        if (kept && n % 7 == 0 && !cache.KeepUnknown(HashOf(n % 100), kNow, epoch)) continue;
      }
    });
  }
  threads.emplace_back([&] {
    for (int n = 1; n <= 2000; ++n) {
      change_seq = n;
      cache.Apply(n % 3 == 0 ? OrganizationChange(n, kOrganization, true)
                             : KeyChange(n, HashOf(n % 100), n % 2 == 0),
                  kNow);
      if (n % 100 == 0) cache.Forget(kOrganization);
    }
  });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  // Nothing that was read before the last change of its organization is left.
  cache.Apply(OrganizationChange(3000, kOrganization, true), kNow);
  CHECK(cache.size() == 0);
}

}  // namespace
}  // namespace alma::auth
