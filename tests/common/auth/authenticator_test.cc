#include "common/auth/authenticator.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "common/status/status.h"

namespace alma::auth {
namespace {

using organizations::v1::VerifyApiKeyResponse;

constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";

VerifyApiKeyResponse Response() {
  VerifyApiKeyResponse response;
  response.set_organization_uuid(kOrganization);
  response.set_api_key_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ac");
  response.add_scopes("agents.read");
  response.add_scopes("agents.write");
  return response;
}

// A key store that answers `answer` and counts.
class KeyStore {
 public:
  absl::StatusOr<v1::Principal> Authenticate(std::string_view key) {
    return authenticator.Authenticate(key, absl::InfiniteFuture());
  }

  absl::StatusOr<VerifyApiKeyResponse> answer = Response();
  std::atomic<int> asked = 0;
  std::function<void()> meanwhile = [] {};
  std::string sha256;
  absl::Time deadline;
  Authenticator authenticator{[this](const std::string& asked_for, absl::Time asked_deadline) {
    ++asked;
    sha256 = asked_for;
    deadline = asked_deadline;
    const absl::StatusOr<VerifyApiKeyResponse> read = answer;
    meanwhile();
    return read;
  }};
};

TEST_CASE("a key in force becomes its principal") {
  KeyStore store;
  const std::string key = NewApiKey();
  const absl::Time deadline = absl::Now() + absl::Seconds(3);
  const auto principal = store.authenticator.Authenticate(key, deadline);
  REQUIRE(principal.ok());
  CHECK(principal->organization_uuid() == kOrganization);
  CHECK(principal->api_key_uuid() == "0190f3a2-7c1e-7b4d-8f00-0123456789ac");
  CHECK(std::vector<std::string>(principal->scopes().begin(), principal->scopes().end()) ==
        std::vector<std::string>{"agents.read", "agents.write"});
  const auto sha256 = Sha256(key);
  CHECK(store.sha256 == std::string(sha256.begin(), sha256.end()));
  CHECK(store.deadline == deadline);
}

TEST_CASE("what has not the form of a key is refused without asking") {
  KeyStore store;
  std::string wrong_checksum = NewApiKey();
  wrong_checksum.back() = wrong_checksum.back() == '0' ? '1' : '0';
  for (const std::string& key : {std::string(), std::string("alma_"), std::string(10'000, 'a'),
                                 wrong_checksum, NewApiKey() + "0", " " + NewApiKey()}) {
    CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  }
  CHECK(store.asked == 0);
}

TEST_CASE("what is remembered is found without asking") {
  KeyStore store;
  const std::string key = NewApiKey();
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
  const auto malformed = store.authenticator.Remembered("alma_");
  REQUIRE(malformed.has_value());
  CHECK(malformed->status() == status::ApiKeyInvalid());
  CHECK(store.asked == 0);
  REQUIRE(store.Authenticate(key).ok());
  const auto remembered = store.authenticator.Remembered(key);
  REQUIRE(remembered.has_value());
  REQUIRE(remembered->ok());
  CHECK((*remembered)->organization_uuid() == kOrganization);
  CHECK(store.asked == 1);
  store.authenticator.Forget();
  CHECK_FALSE(store.authenticator.Remembered(key).has_value());
}

TEST_CASE("a key is remembered for as long as it may be and each key for itself") {
  KeyStore store;
  const std::string key = NewApiKey();
  for (int i = 0; i < 5; ++i) CHECK(store.Authenticate(key).ok());
  CHECK(store.asked == 1);
  CHECK(store.Authenticate(NewApiKey()).ok());
  CHECK(store.asked == 2);
  absl::SleepFor(Authenticator::kRemember + absl::Milliseconds(20));
  store.answer = status::NotFound("API key");
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked == 3);
}

TEST_CASE("an unknown key is UNAUTHENTICATED and asked for again") {
  KeyStore store;
  store.answer = status::NotFound("API key");
  const std::string key = NewApiKey();
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  store.answer = Response();
  CHECK(store.Authenticate(key).ok());
}

TEST_CASE("a key store that cannot be asked lets nobody in") {
  KeyStore store;
  for (const absl::Status& failure : {status::DatabaseUnavailable(), status::DeadlineExceeded()}) {
    store.answer = failure;
    CHECK(store.Authenticate(NewApiKey()).status() == failure);
  }
}

TEST_CASE("a forgotten key is asked for again") {
  KeyStore store;
  const std::string key = NewApiKey();
  CHECK(store.Authenticate(key).ok());
  store.answer = status::NotFound("API key");
  CHECK(store.Authenticate(key).ok());
  store.authenticator.Forget();
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
}

TEST_CASE("an answer that is overtaken by a change is not kept") {
  KeyStore store;
  const std::string key = NewApiKey();
  store.meanwhile = [&] {
    store.answer = status::NotFound("API key");
    store.authenticator.Forget();
  };
  CHECK(store.Authenticate(key).ok());
  store.meanwhile = [] {};
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked == 2);
}

TEST_CASE("a remembered key ends when it expires") {
  KeyStore store;
  const absl::Time expires = absl::Now() + absl::Milliseconds(300);
  auto& timestamp = *store.answer->mutable_expires_at();
  timestamp.set_seconds(absl::ToUnixSeconds(expires));
  timestamp.set_nanos(static_cast<int>(
      absl::ToInt64Nanoseconds(expires - absl::FromUnixSeconds(timestamp.seconds()))));
  const std::string key = NewApiKey();
  CHECK(store.Authenticate(key).ok());
  absl::SleepFor(expires - absl::Now() + absl::Milliseconds(10));
  CHECK(store.Authenticate(key).status() == status::ApiKeyInvalid());
  CHECK(store.asked == 1);
  CHECK(store.Authenticate(NewApiKey()).status() == status::ApiKeyInvalid());
}

TEST_CASE("the memory for keys is bounded") {
  KeyStore store;
  const std::string first = NewApiKey();
  CHECK(store.Authenticate(first).ok());
  const absl::Time begun = absl::Now();
  for (size_t i = 0; i < Authenticator::kCapacity; ++i) {
    if (!store.Authenticate(NewApiKey()).ok()) FAIL("refused");
  }
  // Were it longer than a key is remembered, the next check would say nothing.
  if (absl::Now() - begun < Authenticator::kRemember) {
    const int asked = store.asked;
    CHECK(store.Authenticate(first).ok());
    CHECK(store.asked == asked + 1);
  }
  CHECK(store.Authenticate(NewApiKey()).ok());
}

TEST_CASE("keys are authenticated and forgotten by many threads at once", "[threads]") {
  KeyStore store;
  std::vector<std::string> keys(10);
  for (std::string& key : keys) key = NewApiKey();
  Authenticator authenticator([](const std::string&, absl::Time) { return Response(); });
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 2000; ++n) {
        if (!authenticator.Authenticate(keys[n % keys.size()], absl::InfiniteFuture()).ok()) {
          ++refused;
        }
        if (n % 50 == i) authenticator.Forget();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(refused == 0);
}

}  // namespace
}  // namespace alma::auth
