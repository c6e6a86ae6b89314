#include <unistd.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/rpc/server.h"
#include "tests/services/organizations/followed.h"
#include "tests/support/captured.h"
#include "tests/support/concurrently.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tenants.h"

// Followers, those who write meanwhile, and the end of both.
namespace alma::organizations {
namespace {

using testing::Concurrently;

// The database as another process has it.
std::unique_ptr<db::Database> OpenAnother(const db::Database& database) {
  return std::make_unique<db::Database>(database.location(), database.schema(), /*sessions=*/4);
}

TEST_CASE("a follower misses no change however writers race") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  Followed followed(*fixture.database);
  Following following(*followed.stub, 0);
  constexpr int kWriters = 6;
  constexpr int kEach = 40;
  std::atomic<int> failed = 0;
  Concurrently(kWriters, [&](int writer) {
    // On SQLite one process owns the file.
    const bool another = engine == db::Engine::kPostgresql;
    const auto own = another ? OpenAnother(*fixture.database) : nullptr;
    ApiKeyStore api_keys(another ? *own : *fixture.database, fixture.key_uses);
    for (int i = 0; i < kEach; ++i) {
      const auto created = api_keys.Create(As(writer % 2 == 0 ? kAdminA : kAdminB), Key());
      if (!created.ok()) ++failed;
    }
  });
  CHECK(failed == 0);
  constexpr int64_t kLast = 2 + kWriters * kEach;
  int64_t next = 1;
  bool in_order = true;
  for (const auto& change : following.AwaitSeq(kLast)) {
    if (IsHeartbeat(change)) {
      // Everything up to it has been sent.
      in_order &= change.change_seq() < next;
    } else {
      in_order &= change.change_seq() == next++;
    }
  }
  CHECK(in_order);
  CHECK(next == kLast + 1);
}

TEST_CASE("the last state of every key reaches a follower however often it changes") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  std::vector<v1::ApiKey> keys;
  for (int i = 0; i < 4; ++i) keys.push_back(fixture.Create(Key()).api_key());
  Followed followed(*fixture.database);
  Following following(*followed.stub, 0);
  std::atomic<int> failed = 0;
  Concurrently(4, [&](int writer) {
    for (int i = 0; i < 30; ++i) {
      v1::ApiKey key = keys[(writer + i) % keys.size()];
      key.clear_revision();
      key.set_api_key_name(absl::StrCat("name ", i));
      if (!fixture.api_keys.Update(As(kAdminA), UpdateOf(key, {"api_key_name"})).ok()) ++failed;
    }
    if (!fixture.api_keys.Revoke(As(kAdminA), keys[writer].uuid()).ok()) ++failed;
  });
  // An update behind a revocation is refused.
  CHECK(failed < 4 * 30);
  const int64_t newest = testing::SelectInt64(
      *fixture.database, "select change_seq from change_sequence where id = 1");
  std::map<std::string, v1::KeyState> states;
  int64_t last = 0;
  bool ascending = true;
  for (const auto& change : following.AwaitSeq(newest)) {
    ascending &= change.change_seq() >= last;
    last = change.change_seq();
    if (change.has_key()) states[change.key().api_key_uuid()] = change.key().state();
  }
  CHECK(ascending);
  for (const v1::ApiKey& key : keys) CHECK(states[key.uuid()] == v1::KEY_STATE_REVOKED);
}

TEST_CASE("a change of another process comes within a second and one of this process at once") {
  Fixture fixture(db::Engine::kPostgresql);
  Followed followed(*fixture.database);
  const auto other = OpenAnother(*fixture.database);
  ApiKeyStore elsewhere(*other, fixture.key_uses);
  Following following(*followed.stub, -1);
  following.AwaitSeq(2);
  int64_t seq = 2;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(elsewhere.Create(As(kAdminA), Key()).ok());
    const absl::Time committed = absl::Now();
    following.AwaitSeq(++seq);
    CHECK(absl::Now() - committed < absl::Milliseconds(900));
  }
  // Each waits for the next look, unless the change itself brings one about.
  constexpr int kHere = 20;
  const absl::Time begun = absl::Now();
  for (int i = 0; i < kHere; ++i) {
    v1::CreateApiKeyRequest request;
    *request.mutable_api_key() = Key();
    REQUIRE(testing::Call(*followed.stub, &ApiKeys::CreateApiKey, kAdminA, request).status.ok());
    following.AwaitSeq(++seq);
  }
  CHECK(absl::Now() - begun < kHere * ChangeFeed::kLookEvery / 2);
}

TEST_CASE("many followers cost the database as much as one and no worker") {
  Fixture fixture(db::Engine::kPostgresql);
  Followed followed(*fixture.database);
  std::vector<std::unique_ptr<Following>> followers;
  for (int i = 0; i < 60; ++i) {
    followers.push_back(std::make_unique<Following>(*followed.stub, -1));
  }
  for (const auto& follower : followers) follower->AwaitSeq(2);
  const auto scans = [&] {
    const auto other = OpenAnother(*fixture.database);
    return testing::SelectInt64(
        *other,
        "select seq_scan + coalesce(idx_scan, 0) from pg_stat_user_tables "
        "where schemaname = current_schema and relname = 'change_sequence'");
  };
  const int64_t before = scans();
  // PostgreSQL counts with a delay of a second.
  absl::SleepFor(absl::Seconds(4));
  const int64_t looks = scans() - before;
  CHECK(looks > 5);
  // Four a second, and one of each follower's beginning that is counted late: not 60 times as many.
  CHECK(looks < 120);

  for (int i = 0; i < 20; ++i) {
    CHECK(testing::Call(*followed.stub, &ApiKeys::ListApiKeys, kAdminA, v1::ListApiKeysRequest())
              .status.ok());
  }
  // Nor does the database hear of any once they are gone.
  followers.clear();
  absl::SleepFor(absl::Seconds(2));
  const int64_t gone = scans();
  absl::SleepFor(absl::Seconds(2));
  CHECK(scans() - gone <= 1);
}

TEST_CASE("a follower ends with its deadline and lets others go on") {
  Fixture fixture(db::Engine::kSqlite);
  Followed followed(*fixture.database);
  Following following(*followed.stub, -1);
  Following ends(*followed.stub, -1, kGateway, absl::Milliseconds(700));
  CHECK(ends.Ended().error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  fixture.Create(Key());
  following.AwaitSeq(3);
}

TEST_CASE("a drain ends followers at once") {
  Fixture fixture(db::Engine::kSqlite);
  const testing::TemporaryFolder folder;
  const std::string address = absl::StrCat("unix:", folder.path(), "/socket");
  Followed followed(*fixture.database);
  ApiKeysService service(*followed.runtime, followed.api_keys, followed.changes,
                         followed.page_tokens, [](const std::string&) {});
  rpc::Server server({.name = "test", .listen = {address}});
  server.Add(service, [] { return true; });
  {
    const testing::Captured captured(STDOUT_FILENO);
    REQUIRE(server.Start().ok());
  }
  const auto stub =
      v1::ApiKeysService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  Following following(*stub, -1);
  following.AwaitSeq(2);
  const absl::Time begun = absl::Now();
  server.Drain(absl::Seconds(20));
  CHECK(following.Ended().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(absl::Now() - begun < absl::Seconds(5));
  // Nor does one begin that came too late to be ended.
  Following late(*followed.stub, -1);
  CHECK(late.Ended().error_code() == grpc::StatusCode::UNAVAILABLE);
}

TEST_CASE("an answer of VerifyApiKey is no newer than the key that it lets in") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  constexpr int kKeys = 30;
  std::vector<v1::CreateApiKeyResponse> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back(fixture.Create(Key()));
  std::vector<std::atomic<int64_t>> newest_good(kKeys);
  std::atomic<int> revoked = 0;
  Concurrently(4, [&](int thread) {
    for (int i = 0; i < kKeys; ++i) {
      if (thread == 0) {
        absl::SleepFor(absl::Milliseconds(3));
        if (fixture.api_keys.Revoke(As(kAdminA), keys[i].api_key().uuid()).ok()) ++revoked;
        continue;
      }
      while (true) {
        const auto verified = fixture.Verify(keys[i].secret());
        if (!verified.ok()) break;
        int64_t good = newest_good[i];
        while (good < verified->change_seq() &&
               !newest_good[i].compare_exchange_weak(good, verified->change_seq())) {
        }
      }
    }
  });
  CHECK(revoked == kKeys);
  int caught = 0;
  for (int i = 0; i < kKeys; ++i) {
    const int64_t end = testing::SelectInt64(
        *fixture.database, absl::StrCat("select change_seq from \"authorization\" where uuid = '",
                                        keys[i].api_key().uuid(), "'"));
    CHECK(newest_good[i] < end);
    caught += newest_good[i] > 0 ? 1 : 0;
  }
  CHECK(caught > 0);
}

}  // namespace
}  // namespace alma::organizations
