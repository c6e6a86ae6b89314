#include "common/auth/authenticator.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/common/auth/asked_store.h"
#include "tests/support/allocated.h"
#include "tests/support/concurrently.h"
#include "tests/support/eventually.h"

namespace alma::auth {
namespace {

using testing::Concurrently;
using testing::Eventually;

TEST_CASE("a key in force becomes its principal") {
  AskedStore store;
  const std::string key = NewApiKey();
  const absl::Time deadline = absl::Now() + absl::Seconds(3);
  const auto principal = store.authenticator.Authenticate(key, deadline);
  REQUIRE(principal.ok());
  CHECK((*principal)->organization_uuid() == kOrganization);
  CHECK((*principal)->api_key_uuid() == "0190f3a2-7c1e-7b4d-8f00-0123456789ac");
  const auto& scopes = (*principal)->scopes();
  CHECK(std::vector<std::string>(scopes.begin(), scopes.end()) ==
        std::vector<std::string>{"agents.read", "agents.write"});
  const auto sha256 = Sha256(key);
  CHECK(store.last_sha256() == std::string(sha256.begin(), sha256.end()));
  CHECK(store.last_deadline() == deadline);
}

TEST_CASE("what has not the form of a key is refused without asking and leaves nothing behind") {
  AskedStore store;
  std::string wrong_checksum = NewApiKey();
  wrong_checksum.back() = wrong_checksum.back() == '0' ? '1' : '0';
  const std::vector<std::string> malformed = {
      "", "alma_", std::string(10'000, 'a'), wrong_checksum, NewApiKey() + "0", " " + NewApiKey()};
  for (const std::string& key : malformed) {
    CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
    const auto remembered = store.authenticator.Remembered(key);
    REQUIRE(remembered.has_value());
    CHECK(remembered->status() == status::ApiKeyInvalid());
  }
  const int64_t before = testing::AllocatedBytes();
  int let_in = 0;
  for (int i = 0; i < 200'000; ++i) {
    for (int digit = i, at = 10; at < 16; ++at, digit /= 10) {
      wrong_checksum[at] = static_cast<char>('0' + digit % 10);
    }
    if (store.Authenticate(wrong_checksum).ok()) ++let_in;
  }
  CHECK(let_in == 0);
  CHECK(store.asked() == 0);
  CHECK(testing::AllocatedBytes() - before < 64 * 1024);
}

TEST_CASE("well formed keys that do not exist use no memory and do not displace those that do") {
  AskedStore store;
  const std::string good = NewApiKey();
  REQUIRE(store.Authenticate(good).ok());
  store.Answer(status::NotFound("API key"));
  for (int i = 0; i < 5000; ++i) store.Authenticate(NewApiKey()).IgnoreError();
  const int64_t before = testing::AllocatedBytes();
  for (int i = 0; i < 20'000; ++i) store.Authenticate(NewApiKey()).IgnoreError();
  CHECK(testing::AllocatedBytes() - before < 64 * 1024);
  CHECK(store.Authenticate(good).ok());
}

TEST_CASE("what is remembered is found without asking") {
  AskedStore store;
  const std::string key = NewApiKey();
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
  REQUIRE(store.Authenticate(key).ok());
  const auto remembered = store.authenticator.Remembered(key);
  REQUIRE(remembered.has_value());
  REQUIRE(remembered->ok());
  CHECK((**remembered)->organization_uuid() == kOrganization);
  CHECK(store.asked() == 1);
  store.authenticator.Forget();
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
}

TEST_CASE("calls with one key share its principal which outlives what is remembered") {
  AskedStore store;
  const std::string key = NewApiKey();
  const auto first = store.Authenticate(key);
  REQUIRE(first.ok());
  const auto second = store.authenticator.Remembered(key);
  REQUIRE(second.has_value());
  REQUIRE(second->ok());
  CHECK(first->get() == (*second)->get());
  store.authenticator.Forget();
  CHECK((*first)->organization_uuid() == kOrganization);
  const auto again = store.Authenticate(key);
  REQUIRE(again.ok());
  CHECK(again->get() != first->get());
}

TEST_CASE("an answer is used for a second where nobody tells of changes") {
  AskedStore store;
  const std::string key = NewApiKey();
  for (int i = 0; i < 5; ++i) CHECK(store.Authenticate(key).ok());
  CHECK(store.asked() == 1);
  CHECK(store.Authenticate(NewApiKey()).ok());
  CHECK(store.asked() == 2);
  store.Answer(status::NotFound("API key"));
  store.Advance(Authenticator::kRemember);
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked() == 3);
}

TEST_CASE("an answer is used as long as the changes do not contradict it") {
  AskedStore store;
  const std::string key = NewApiKey();
  store.Answer(Response(4));
  REQUIRE(store.Authenticate(key).ok());
  store.authenticator.Apply(Heartbeat(4), true);
  for (int i = 0; i < 20; ++i) {
    store.Advance(absl::Seconds(1));
    store.authenticator.Apply(Heartbeat(4), true);
    CHECK(store.Authenticate(key).ok());
  }
  CHECK(store.asked() == 1);
  store.authenticator.Apply(KeyChange(5, Sha256(key), true), true);
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked() == 1);
}

TEST_CASE("changes that are not all there or have stopped coming prove nothing") {
  AskedStore store;
  const std::string key = NewApiKey();
  store.authenticator.Apply(Heartbeat(4), true);
  store.Answer(Response(4));
  REQUIRE(store.Authenticate(key).ok());
  store.Advance(Authenticator::kSilence - absl::Milliseconds(1));
  CHECK(store.authenticator.Remembered(key).has_value());
  store.Advance(absl::Milliseconds(1));
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
  store.authenticator.Apply(KeyChange(5, Sha256(NewApiKey()), false), false);
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
  store.authenticator.Apply(Heartbeat(5), true);
  CHECK(store.authenticator.Remembered(key).has_value());
}

TEST_CASE("what was not proven for too long is not used again without asking") {
  AskedStore store;
  const std::string key = NewApiKey();
  store.authenticator.Apply(Heartbeat(4), true);
  store.Answer(Response(4));
  REQUIRE(store.Authenticate(key).ok());
  store.Advance(Authenticator::kWithoutStore);
  store.authenticator.Apply(Heartbeat(4), true);
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
}

TEST_CASE("a key in use is asked for once a minute without a call waiting for it") {
  AskedStore store;
  const std::string key = NewApiKey();
  store.Answer(Response(4));
  const auto use = [&](absl::Duration later) {
    store.Advance(later);
    store.authenticator.Apply(Heartbeat(4), true);
    const auto remembered = store.authenticator.Remembered(key);
    return remembered.has_value() && remembered->ok();
  };
  REQUIRE(store.Authenticate(key).ok());
  CHECK(use(absl::ZeroDuration()));
  for (int i = 0; i < 5; ++i) CHECK(use(absl::Seconds(11)));
  CHECK(store.asked() == 1);
  for (int i = 0; i < 5; ++i) CHECK(use(absl::Seconds(2)));
  CHECK(Eventually([&] { return store.asked() == 2; }));
  for (int i = 0; i < 5; ++i) CHECK(use(absl::Seconds(10)));
  absl::SleepFor(absl::Milliseconds(50));
  CHECK(store.asked() == 2);
  // That of a key which is not in force any more ends it.
  store.Answer(status::NotFound("API key"));
  CHECK(use(absl::Seconds(20)));
  CHECK(Eventually([&] { return store.asked() == 3; }));
  CHECK(Eventually([&] { return !use(absl::ZeroDuration()); }));
}

TEST_CASE("a key store that cannot be asked lets in only what it has proven lately") {
  AskedStore store;
  const std::string key = NewApiKey();
  const bool followed = GENERATE(false, true);
  REQUIRE(store.Authenticate(key).ok());
  if (followed) {
    store.Advance(absl::Minutes(10));
    store.authenticator.Apply(Heartbeat(0), true);
  }
  store.Answer(status::DatabaseUnavailable());
  store.Advance(Authenticator::kWithoutStore - absl::Milliseconds(1));
  CHECK(store.Authenticate(key).ok());
  CHECK(store.Authenticate(NewApiKey()).status() == status::DatabaseUnavailable());
  store.Advance(absl::Milliseconds(1));
  CHECK(store.Authenticate(key).status() == status::DatabaseUnavailable());
  store.Answer(Response());
  CHECK(store.Authenticate(key).ok());
}

TEST_CASE("a key that was forgotten is not let in while nobody can be asked") {
  AskedStore store;
  const std::string key = NewApiKey();
  REQUIRE(store.Authenticate(key).ok());
  store.Answer(status::DatabaseUnavailable());
  CHECK(store.Authenticate(key).ok());
  store.authenticator.Forget(kOrganization);
  CHECK(store.Authenticate(key).status() == status::DatabaseUnavailable());
}

TEST_CASE("a look-up that takes too long says nothing of a key store that is away") {
  AskedStore store;
  const std::string key = NewApiKey();
  REQUIRE(store.Authenticate(key).ok());
  store.Advance(Authenticator::kRemember);
  store.Answer(status::DatabaseUnavailable());
  REQUIRE(store.Authenticate(key).ok());
  const int asked = store.asked();
  store.Answer(status::DeadlineExceeded());
  CHECK(store.Authenticate(NewApiKey()).status() == status::DeadlineExceeded());
  // It is not asked for again so soon.
  CHECK(store.Authenticate(key).ok());
  CHECK(store.asked() == asked + 1);
}

TEST_CASE("an unknown key is UNAUTHENTICATED and asked for again after a second") {
  AskedStore store;
  store.Answer(status::NotFound("API key"));
  const std::string key = NewApiKey();
  for (int i = 0; i < 10; ++i) {
    CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  }
  CHECK(store.asked() == 1);
  store.Answer(Response());
  store.Advance(KeyCache::kRememberUnknown);
  CHECK(store.Authenticate(key).ok());
}

TEST_CASE("what the key store could not answer is said as it is") {
  AskedStore store;
  for (const absl::Status& failure : {status::DatabaseUnavailable(), status::DeadlineExceeded()}) {
    store.Answer(failure);
    CHECK(store.Authenticate(NewApiKey()).status() == failure);
  }
}

TEST_CASE("a forgotten key is asked for again") {
  AskedStore store;
  const std::string key = NewApiKey();
  const bool of_one = GENERATE(false, true);
  CHECK(store.Authenticate(key).ok());
  store.Answer(status::NotFound("API key"));
  CHECK(store.Authenticate(key).ok());
  if (of_one) {
    store.authenticator.Forget(kOtherOrganization);
    CHECK(store.Authenticate(key).ok());
    store.authenticator.Forget(kOrganization);
  } else {
    store.authenticator.Forget();
  }
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
}

TEST_CASE("an answer that a change has overtaken does not bring the key back") {
  AskedStore store;
  const std::string key = NewApiKey();
  const bool told_by_feed = GENERATE(false, true);
  store.authenticator.Apply(Heartbeat(4), true);
  store.Answer(Response(4));
  // What it answers has been read; then the key is revoked, and only then the answer arrives.
  store.Meanwhile([&] {
    store.Meanwhile([] {});
    store.Answer(status::NotFound("API key"));
    if (told_by_feed) {
      store.authenticator.Apply(KeyChange(5, Sha256(key), true), true);
    } else {
      store.authenticator.Forget(kOrganization);
    }
  });
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked() == 2);
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
}

TEST_CASE("a key that changes all the time is not let in by old answers") {
  AskedStore store;
  store.Answer(Response(4));
  store.authenticator.Apply(Heartbeat(5), true);
  CHECK(absl::IsUnavailable(store.Authenticate(NewApiKey()).status()));
  CHECK(store.asked() > 1);
}

TEST_CASE("a remembered key ends when it expires") {
  AskedStore store;
  const bool followed = GENERATE(false, true);
  VerifyApiKeyResponse response = Response();
  SetExpiry(store.now() + absl::Milliseconds(300), &response);
  store.Answer(response);
  const std::string key = NewApiKey();
  if (followed) store.authenticator.Apply(Heartbeat(0), true);
  CHECK(store.Authenticate(key).ok());
  store.Advance(absl::Milliseconds(300));
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked() == 1);
  CHECK(store.Authenticate(NewApiKey()).status() == status::ApiKeyInvalid());
  store.Advance(absl::Seconds(5));
  store.Answer(status::DatabaseUnavailable());
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
}

TEST_CASE("many calls with one unknown key ask once") {
  AskedStore store;
  const std::string key = NewApiKey();
  std::atomic<int> let_in = 0;
  store.Meanwhile([] { absl::SleepFor(absl::Milliseconds(300)); });
  Concurrently(16, [&](int) {
    if (store.Authenticate(key).ok()) ++let_in;
  });
  CHECK(let_in == 16);
  CHECK(store.asked() == 1);
}

TEST_CASE("a call that waits for the question of another keeps its own deadline") {
  AskedStore store;
  const std::string key = NewApiKey();
  absl::Notification begun;
  absl::Notification go_on;
  store.Meanwhile([&] {
    if (!begun.HasBeenNotified()) begun.Notify();
    go_on.WaitForNotification();
  });
  std::atomic<bool> let_in = false;
  std::thread slow([&] { let_in = store.Authenticate(key).ok(); });
  begun.WaitForNotification();
  CHECK(store.authenticator.Authenticate(key, absl::Now() + absl::Milliseconds(50)).status() ==
        status::DeadlineExceeded());
  go_on.Notify();
  slow.join();
  CHECK(let_in);
  CHECK(store.asked() == 1);
}

TEST_CASE("a question that ran out of time is asked again for those who have more") {
  AskedStore store;
  const std::string key = NewApiKey();
  absl::Notification begun;
  absl::Notification go_on;
  store.Answer(status::DeadlineExceeded());
  store.Meanwhile([&] {
    store.Answer(Response());
    begun.Notify();
    go_on.WaitForNotification();
    store.Meanwhile([] {});
  });
  std::thread hasty([&] { store.Authenticate(key).IgnoreError(); });
  begun.WaitForNotification();
  std::atomic<bool> let_in = false;
  std::thread patient([&] { let_in = store.Authenticate(key).ok(); });
  absl::SleepFor(absl::Milliseconds(50));
  go_on.Notify();
  hasty.join();
  patient.join();
  CHECK(let_in);
  CHECK(store.asked() == 2);
}

TEST_CASE("keys are authenticated and forgotten by many threads at once", "[threads]") {
  AskedStore store;
  std::vector<std::string> keys(10);
  for (std::string& key : keys) key = NewApiKey();
  std::atomic<int> refused = 0;
  Concurrently(4, [&](int i) {
    for (int n = 0; n < 2000; ++n) {
      if (!store.Authenticate(keys[n % keys.size()]).ok()) ++refused;
      if (n % 50 == i) store.authenticator.Forget(kOrganization);
      if (n % 50 == i + 10) store.authenticator.Apply(Heartbeat(0), true);
    }
  });
  // An answer may be overtaken again and again; that is no reason to let anyone in or out wrongly.
  CHECK(refused == 0);
}

}  // namespace
}  // namespace alma::auth
