#include "common/auth/key_watch.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"
#include "common/status/status.h"
#include "tests/common/auth/asked_store.h"
#include "tests/support/eventually.h"

namespace alma::auth {
namespace {

using testing::Eventually;

// An open call of a key that has been let in.
struct OpenCall {
  OpenCall(AskedStore& store, const std::string& key, std::string_view scope = "agents.read")
      : watch(store.authenticator.Watch(key, scope, [this](const absl::Status& status) {
          absl::MutexLock lock(&mutex);
          ++told;
          last = status;
        })) {}

  // Why it was ended, within 5 s; OK where it was not.
  absl::Status Ended() {
    Eventually([this] {
      absl::MutexLock lock(&mutex);
      return !last.ok();
    });
    absl::MutexLock lock(&mutex);
    return last;
  }
  int Told() {
    absl::MutexLock lock(&mutex);
    return told;
  }

  absl::Mutex mutex;
  int told ABSL_GUARDED_BY(mutex) = 0;
  absl::Status last ABSL_GUARDED_BY(mutex);
  std::unique_ptr<KeyWatch> watch;
};

std::string LetIn(AskedStore& store) {
  std::string key = NewApiKey();
  store.authenticator.Apply(Heartbeat(4), true);
  store.Answer(Response(4));
  REQUIRE(store.Authenticate(key).ok());
  return key;
}

TEST_CASE("an open call ends when its key is revoked though nothing moves on it") {
  AskedStore store;
  const std::string key = LetIn(store);
  OpenCall call(store, key);
  OpenCall of_another(store, LetIn(store));
  CHECK(call.watch->Holds());
  const absl::Time revoked = absl::Now();
  store.authenticator.Apply(KeyChange(5, Sha256(key), true), true);
  CHECK_FALSE(call.watch->Holds());
  CHECK(call.Ended() == status::ApiKeyInvalid());
  CHECK(absl::Now() - revoked < absl::Milliseconds(500));
  // With every look until it ends, which takes some.
  CHECK(Eventually([&] { return call.Told() >= 3; }));
  CHECK(of_another.watch->Holds());
  CHECK(of_another.Told() == 0);
}

TEST_CASE("an open call whose key has ended does not wait for the look-up of another") {
  absl::Notification go_on;
  AskedStore store;
  const std::string first = LetIn(store);
  const std::string second = LetIn(store);
  OpenCall calls[] = {{store, first}, {store, second}};
  store.Meanwhile([&] { go_on.WaitForNotification(); });
  // One has ended, the other is looked up again: whichever comes first.
  const int ended = GENERATE(0, 1);
  CAPTURE(ended);
  const std::string& key = ended == 0 ? first : second;
  const std::string& other = ended == 0 ? second : first;
  store.authenticator.Apply(KeyChange(5, Sha256(other), false), false);
  store.authenticator.Apply(KeyChange(6, Sha256(key), true), true);
  CHECK(calls[ended].Ended() == status::ApiKeyInvalid());
  go_on.Notify();
}

TEST_CASE("an open call ends when its organization does or its key expires") {
  AskedStore store;
  OpenCall call(store, LetIn(store));
  store.authenticator.Apply(OrganizationChange(5, kOrganization, false), true);
  CHECK(call.Ended() == status::ApiKeyInvalid());
  VerifyApiKeyResponse response = Response(5);
  SetExpiry(store.now() + absl::Minutes(3), &response);
  store.Answer(response);
  const std::string key = NewApiKey();
  REQUIRE(store.Authenticate(key).ok());
  OpenCall expiring(store, key);
  store.Advance(absl::Minutes(3));
  store.authenticator.Apply(Heartbeat(5), true);
  CHECK(expiring.Ended() == status::ApiKeyInvalid());
}

TEST_CASE("an open call ends when its key loses the scope and not when it loses another") {
  AskedStore store;
  const std::string key = LetIn(store);
  OpenCall reading(store, key, "agents.read");
  OpenCall writing(store, key, "agents.write");
  VerifyApiKeyResponse response = Response(5);
  response.clear_scopes();
  response.add_scopes("agents.read");
  store.Answer(response);
  store.authenticator.Apply(KeyChange(5, Sha256(key), false), true);
  CHECK(writing.Ended() == status::ScopeMissing("agents.write"));
  CHECK(Eventually([&] { return reading.watch->Holds(); }));
}

TEST_CASE("a call that has to wait for its key is told when it holds") {
  AskedStore store;
  const std::string key = LetIn(store);
  OpenCall call(store, key);
  absl::Notification go_on;
  store.Meanwhile([&] { go_on.WaitForNotification(); });
  store.authenticator.Forget(kOrganization);
  CHECK_FALSE(call.watch->Holds());
  CHECK(call.Told() == 0);
  go_on.Notify();
  CHECK(Eventually([&] { return call.Told() > 0; }));
  CHECK(call.watch->Holds());
}

TEST_CASE("a call that is opened with a key that ended on the way is ended") {
  AskedStore store;
  const std::string key = LetIn(store);
  store.authenticator.Apply(KeyChange(5, Sha256(key), true), true);
  OpenCall call(store, key);
  CHECK(call.Ended() == status::ApiKeyInvalid());
}

TEST_CASE("an open call goes on without the key store for as long as its key does") {
  AskedStore store;
  OpenCall call(store, LetIn(store));
  store.Answer(status::DatabaseUnavailable());
  store.Advance(Authenticator::kWithoutStore - absl::Milliseconds(1));
  CHECK_FALSE(call.watch->Holds());
  CHECK(Eventually([&] { return call.Told() > 0; }));
  CHECK(call.watch->Holds());
  store.Advance(absl::Milliseconds(1));
  CHECK(call.Ended() == status::DatabaseUnavailable());
}

TEST_CASE("calls are opened and ended while keys change", "[threads]") {
  AskedStore store;
  std::vector<std::string> keys;
  for (int i = 0; i < 4; ++i) keys.push_back(LetIn(store));
  std::vector<std::thread> threads;
  std::atomic<int> held = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 300; ++n) {
        OpenCall call(store, keys[(n + i) % keys.size()]);
        if (call.watch->Holds()) ++held;
        if (n % 10 == 0) store.authenticator.Forget(kOrganization);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(held > 0);
}

}  // namespace
}  // namespace alma::auth
