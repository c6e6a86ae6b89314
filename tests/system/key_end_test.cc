#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <google/protobuf/util/time_util.h>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/api_key.h"
#include "tests/support/alma_server.h"
#include "tests/support/concurrently.h"
#include "tests/system/conversations.h"
#include "tests/system/keys.h"

// How soon three gateways before one organizations process refuse a key that has ended, and how
// long they go on without that process.
namespace alma::testing {
namespace {

namespace v1 = organizations::v1;
using conversations::v1::ImportMessagesRequest;
using conversations::v1::ImportMessagesResponse;
using conversations::v1::MessagesService;

constexpr int kGateways = 3;
// Within which every gateway refuses what has ended.
constexpr absl::Duration kEverywhere = absl::Seconds(2);
// What scheduling may add where something is to happen at once.
constexpr absl::Duration kAtOnce = absl::Milliseconds(500);
// How long a gateway looks up a key at most, see docs/limits.md.
constexpr absl::Duration kLookUp = absl::Seconds(2);
// How long gateways do without the organizations process.
constexpr absl::Duration kWithoutIt = absl::Seconds(30);

class Gateways {
 public:
  Gateways() : first_(Bootstrap(storage_)) {
    const std::string secrets = "--principal_secret_file=" + storage_.secret_file();
    std::vector<std::string> flags = {secrets};
    for (const std::string name : {"organizations", "conversations"}) {
      const std::string socket = absl::StrCat("unix:", storage_.folder(), "/", name);
      services_.push_back(std::make_unique<AlmaServer>(ServerCommand(
          "alma-" + name, {secrets, storage_.location_flag(), "--listen=" + socket})));
      flags.push_back(absl::StrCat("--", name, "=", socket));
    }
    for (int i = 0; i < kGateways; ++i) {
      gateways_.push_back(std::make_unique<AlmaServer>(ServerCommand("alma-gateway", flags)));
    }
  }

  Client At(int gateway, const std::string& key) const {
    return Client(gateways_[gateway]->channel(), key);
  }
  Client Admin() const { return At(0, first_.secret); }
  Process& organizations() { return services_.front()->process(); }

 private:
  const AlmaStorage storage_{db::Engine::kPostgresql};
  const Bootstrapped first_;
  std::vector<std::unique_ptr<AlmaServer>> services_;
  std::vector<std::unique_ptr<AlmaServer>> gateways_;
};

grpc::Status Get(const Client& client) {
  conversations::v1::ListConversationsRequest request;
  request.set_page_size(1);
  return client.Call(&conversations::v1::ConversationsService::Stub::ListConversations, request)
      .status;
}

// What a use of a key has seen. Thread-safe.
class Seen {
 public:
  void Accepted(absl::Time sent) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    accepted_ = sent;
  }
  void Ended(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    ended_ = absl::Now();
    reason_ = ReasonOf(status);
  }
  // When what was accepted last had been sent.
  absl::Time accepted() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return accepted_;
  }
  std::optional<absl::Time> ended() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return ended_;
  }
  std::string reason() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return reason_;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Time accepted_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::optional<absl::Time> ended_ ABSL_GUARDED_BY(mutex_);
  std::string reason_ ABSL_GUARDED_BY(mutex_);
};

// Call after call, until one is refused.
void Hammer(const Client& client, const std::atomic<bool>& stop, Seen& seen) {
  while (!stop) {
    const absl::Time sent = absl::Now();
    const grpc::Status status = Get(client);
    if (!status.ok()) return seen.Ended(status);
    seen.Accepted(sent);
  }
}

// One stream, until it ends: items all the time, or none behind the first.
void Import(const Client& client, const std::string& conversation, bool busy,
            const std::atomic<bool>& stop, Seen& seen) {
  const auto context = client.NewContext(absl::Minutes(1));
  const auto stub = MessagesService::NewStub(client.channel());
  const auto stream = stub->ImportMessages(context.get());
  ImportMessagesResponse response;
  while (!stop) {
    const absl::Time sent = absl::Now();
    ImportMessagesRequest item;
    *item.mutable_message() = NewMessage(conversation).message();
    if (!stream->Write(item) || !stream->Read(&response)) break;
    seen.Accepted(sent);
    if (!busy && !stream->Read(&response)) break;
  }
  seen.Ended(stream->Finish());
}

// A key in use at every gateway in each of these ways, until it ends there.
class Used {
 public:
  Used(const Gateways& gateways, const std::string& key) {
    const std::string conversation = CreateConversations(gateways.At(0, key), 1).front();
    for (int gateway = 0; gateway < kGateways; ++gateway) {
      const Client client = gateways.At(gateway, key);
      Seen* const of = seen_[gateway];
      threads_.emplace_back([=, this] { Hammer(client, stop_, of[0]); });
      threads_.emplace_back([=, this] { Import(client, conversation, true, stop_, of[1]); });
      threads_.emplace_back([=, this] { Import(client, conversation, false, stop_, of[2]); });
    }
  }
  ~Used() {
    stop_ = true;
    Join();
  }

  // Waits until the key has ended everywhere.
  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Whether each of them has been accepted, within 10 s.
  bool Begun() const {
    const absl::Time end = absl::Now() + absl::Seconds(10);
    while (absl::Now() < end) {
      bool begun = true;
      for (const auto& of_gateway : seen_) {
        for (const Seen& seen : of_gateway) begun &= seen.accepted() > absl::InfinitePast();
      }
      if (begun) return true;
      absl::SleepFor(absl::Milliseconds(10));
    }
    return false;
  }

  const Seen& at(int gateway, int way) const { return seen_[gateway][way]; }

 private:
  std::atomic<bool> stop_ = false;
  Seen seen_[kGateways][3];
  std::vector<std::thread> threads_;
};

struct Ending {
  const char* name;
  // Ends the key through the first gateway; when it is over by that.
  std::function<absl::Time(const Client& admin, const v1::CreateApiKeyResponse& key)> end;
  // Whether the first gateway took the call that ends it.
  bool by_call;
};

absl::Time Rotate(const Client& admin, const v1::CreateApiKeyResponse& key) {
  v1::RotateApiKeyRequest request;
  request.set_uuid(key.api_key().uuid());
  request.mutable_grace()->set_seconds(2);
  const absl::Time before = absl::Now();
  const auto answered = admin.Call(&v1::ApiKeysService::Stub::RotateApiKey, request);
  REQUIRE(answered.status.ok());
  return before + absl::Seconds(2) + (absl::Now() - before);
}

absl::Time Expire(const Client& admin, const v1::CreateApiKeyResponse& key) {
  const absl::Time expires = absl::Now() + absl::Seconds(2);
  v1::UpdateApiKeyRequest request;
  request.mutable_api_key()->set_uuid(key.api_key().uuid());
  *request.mutable_api_key()->mutable_expires_at() =
      google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(expires));
  REQUIRE(admin.Call(&v1::ApiKeysService::Stub::UpdateApiKey, request).status.ok());
  return expires;
}

absl::Time Deactivate(const Client& admin, const v1::CreateApiKeyResponse& key) {
  v1::UpdateOrganizationRequest request;
  request.mutable_organization()->set_uuid(key.api_key().organization_uuid());
  request.mutable_organization()->set_active("INACTIVE");
  REQUIRE(admin.Call(&v1::OrganizationsService::Stub::UpdateOrganization, request).status.ok());
  return absl::Now();
}

absl::Time Revoke(const Client& admin, const v1::CreateApiKeyResponse& key) {
  RevokeKey(admin, key.api_key().uuid());
  return absl::Now();
}

const std::vector<Ending> kEndings = {
    {"revoked", Revoke, true},
    {"expired", Expire, false},
    {"rotated", Rotate, false},
    {"of an inactive organization", Deactivate, true},
};

TEST_CASE("a key that has ended is refused by every gateway soon and by the one that ended it now",
          "[long]") {
  const Gateways gateways;
  const Client admin = gateways.Admin();
  for (const Ending& ending : kEndings) {
    CAPTURE(ending.name);
    const auto key = CreateKey(admin, CreateOrganization(admin, ending.name).uuid());
    Used used(gateways, key.secret());
    REQUIRE(used.Begun());
    // Longer than an answer is used where nobody tells of changes.
    absl::SleepFor(absl::Milliseconds(1500));
    const absl::Time over = ending.end(admin, key);
    used.Join();
    for (int gateway = 0; gateway < kGateways; ++gateway) {
      for (int way = 0; way < 3; ++way) {
        CAPTURE(gateway, way);
        const Seen& seen = used.at(gateway, way);
        CHECK(seen.reason() == "API_KEY_INVALID");
        const bool now = gateway == 0 && ending.by_call;
        CHECK(seen.accepted() - over < (now ? absl::ZeroDuration() : kEverywhere));
        CHECK(*seen.ended() - over < (now ? kAtOnce : kEverywhere));
        // It had its two seconds until then.
        CHECK((ending.by_call || *seen.ended() - over > -absl::Seconds(1)));
      }
    }
  }
}

TEST_CASE("the successor of a rotated key works at once at every gateway and the key itself on") {
  const Gateways gateways;
  const Client admin = gateways.Admin();
  const auto key = CreateKey(admin, CreateOrganization(admin, "Escola").uuid());
  for (int gateway = 0; gateway < kGateways; ++gateway) {
    REQUIRE(Get(gateways.At(gateway, key.secret())).ok());
  }
  v1::RotateApiKeyRequest request;
  request.set_uuid(key.api_key().uuid());
  request.mutable_grace()->set_seconds(60);
  const auto rotated = admin.Call(&v1::ApiKeysService::Stub::RotateApiKey, request);
  REQUIRE(rotated.status.ok());
  for (int gateway = 0; gateway < kGateways; ++gateway) {
    CAPTURE(gateway);
    CHECK(Get(gateways.At(gateway, rotated.response.secret())).ok());
    CHECK(Get(gateways.At(gateway, key.secret())).ok());
  }
}

// What a stopped organizations process is told in the end.
class Outage {
 public:
  Outage(Gateways& gateways, int signal) : process_(gateways.organizations()), signal_(signal) {
    process_.Signal(signal);
  }
  ~Outage() {
    if (signal_ == SIGSTOP) process_.Signal(SIGCONT);
  }

 private:
  Process& process_;
  const int signal_;
};

// How calls with keys that nobody knows have ended. Thread-safe.
struct Refused {
  std::atomic<int> calls = 0;
  std::atomic<int> otherwise = 0;
  std::atomic<int> late = 0;
};

// Makes such calls at every gateway until `end`, each of which is to be refused within `within`.
void AskUnknown(const Gateways& gateways, absl::Time end, absl::Duration within, Refused& refused) {
  Concurrently(kGateways, [&](int gateway) {
    while (absl::Now() < end) {
      const absl::Time asked = absl::Now();
      const grpc::Status status = Get(gateways.At(gateway, auth::NewApiKey()));
      ++refused.calls;
      if (status.error_code() != grpc::StatusCode::UNAVAILABLE) ++refused.otherwise;
      if (absl::Now() - asked > within) ++refused.late;
    }
  });
}

// Fails the test case unless this use of a key went on for 30 s behind `stopped`, and no longer.
void CheckWentOn(const Seen& seen, absl::Time stopped) {
  CHECK(seen.reason() == "DATABASE_UNAVAILABLE");
  CHECK(*seen.ended() - stopped > kWithoutIt - absl::Seconds(2));
  CHECK(*seen.ended() - stopped < kWithoutIt + absl::Seconds(1));
  // The 30 s begin with the last word of organizations, which may have been on its way by then, and
  // keys of open streams are looked at every 200 ms.
  CHECK(seen.accepted() - stopped <= kWithoutIt + absl::Seconds(1));
}

TEST_CASE("gateways without organizations let in for 30 seconds whom they know and nobody else",
          "[long]") {
  const int signal = GENERATE(SIGSTOP, SIGKILL);
  CAPTURE(signal);
  Gateways gateways;
  const Client admin = gateways.Admin();
  const auto key = CreateKey(admin, CreateOrganization(admin, "Escola").uuid());
  Used used(gateways, key.secret());
  REQUIRE(used.Begun());
  const absl::Time begun = absl::Now();
  const Outage outage(gateways, signal);
  // A signal arrives a moment later.
  absl::SleepFor(absl::Milliseconds(20));
  // By 4 s every gateway knows; until then it waits for one that hangs.
  const absl::Duration first = signal == SIGKILL ? kAtOnce : kLookUp + kAtOnce;
  Refused at_first;
  AskUnknown(gateways, begun + absl::Seconds(4), first, at_first);
  Refused later;
  AskUnknown(gateways, begun + absl::Seconds(6), kAtOnce, later);
  CHECK(at_first.calls >= kGateways);
  CHECK(at_first.otherwise == 0);
  CHECK(at_first.late == 0);
  CHECK(later.calls >= 20 * kGateways);
  CHECK(later.otherwise == 0);
  CHECK(later.late == 0);
  used.Join();
  for (int gateway = 0; gateway < kGateways; ++gateway) {
    for (int way = 0; way < 3; ++way) {
      CAPTURE(gateway, way);
      CheckWentOn(used.at(gateway, way), begun);
    }
    // And nobody is let in again.
    for (int call = 0; call < 10; ++call) {
      CHECK(Get(gateways.At(gateway, key.secret())).error_code() == grpc::StatusCode::UNAVAILABLE);
    }
  }
}

}  // namespace
}  // namespace alma::testing
