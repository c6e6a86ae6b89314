#include "services/organizations/key_uses.h"

#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/text/timestamp.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/protobuf/util/time_util.h"
#include "tests/services/organizations/api_keys.h"
#include "tests/support/bulk.h"
#include "tests/support/concurrently.h"
#include "tests/support/key_writes.h"
#include "tests/support/tenants.h"

namespace alma::organizations {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ExecuteSql;
using testing::SelectInt64;

// What a process does that is asked for this key once and then ends.
absl::Status VerifyOnce(Fixture& fixture, const std::string& secret) {
  KeyUses uses(*fixture.database);
  ApiKeyStore api_keys(*fixture.database, uses);
  const auto hash = auth::Sha256(secret);
  return api_keys.Verify(std::string(hash.begin(), hash.end()), Deadline()).status();
}

// Keys of organization A that nobody knows, in a statement.
void InsertKeys(db::Database& database, int keys) {
  testing::InsertRows(database,
                      absl::StrCat("insert into \"authorization\" (uuid, apikey, "
                                   "organization_uuid, created_at, api_key_name, key_prefix, "
                                   "scopes, revision, change_seq) select $UUID, "
                                   "substr(cast(cast($UUID as text) as text) || "
                                   "'0000000000000000000000000000', 1, 64), cast('",
                                   kOrganizationA,
                                   "' as {uuid}), $TIME, 'bulk', 'alma_', '', 1, 100 + i "
                                   "from numbers"),
                      keys);
}

TEST_CASE("a use of a key is written and is no change of it") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto created = fixture.Create(Key());
  const auto unused = fixture.Create(Key());
  const auto before = text::Now();
  REQUIRE(VerifyOnce(fixture, created.secret()).ok());
  v1::ApiKey stored = fixture.Stored(created.api_key().uuid());
  CHECK(stored.last_used() >= before);
  CHECK(stored.last_used() <= text::Now());
  stored.clear_last_used();
  CHECK(MessageDifferencer::Equals(stored, created.api_key()));
  CHECK_FALSE(fixture.Stored(unused.api_key().uuid()).has_last_used());
  CHECK(SelectInt64(*fixture.database, "select change_seq from change_sequence") == 4);
  CHECK(SelectInt64(*fixture.database, "select max(change_seq) from \"authorization\"") == 4);
}

TEST_CASE("a key that is refused was not used") {
  Fixture fixture(db::Engine::kSqlite);
  const auto created = fixture.Create(Key());
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), created.api_key().uuid()).ok());
  CHECK(absl::IsNotFound(VerifyOnce(fixture, created.secret())));
  CHECK_FALSE(fixture.Stored(created.api_key().uuid()).has_last_used());
}

TEST_CASE("ten thousand calls with one key write its last_used at most twice") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto created = fixture.Create(Key());
  testing::CountKeyWrites(*fixture.database);
  std::atomic<int> good = 0;
  {
    KeyUses uses(*fixture.database);
    ApiKeyStore api_keys(*fixture.database, uses);
    const auto hash = auth::Sha256(created.secret());
    testing::Concurrently(4, [&](int) {
      for (int i = 0; i < 2500; ++i) {
        if (api_keys.Verify(std::string(hash.begin(), hash.end()), Deadline()).ok()) ++good;
      }
    });
  }
  CHECK(good == 10'000);
  const int64_t written = testing::KeyWrites(*fixture.database, created.api_key().uuid());
  CHECK(written >= 1);
  CHECK(written <= 2);
}

TEST_CASE("several processes write a key at most once a minute") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto created = fixture.Create(Key());
  const std::string& uuid = created.api_key().uuid();
  testing::CountKeyWrites(*fixture.database);
  for (int process = 0; process < 3; ++process) {
    REQUIRE(VerifyOnce(fixture, created.secret()).ok());
  }
  CHECK(testing::KeyWrites(*fixture.database, uuid) == 1);
  const auto first = fixture.Stored(uuid).last_used();

  const auto ago = first - google::protobuf::util::TimeUtil::SecondsToDuration(61);
  ExecuteSql(*fixture.database, absl::StrCat("update \"authorization\" set last_used = '",
                                             text::FormatTimestamp(ago), "'"));
  REQUIRE(VerifyOnce(fixture, created.secret()).ok());
  CHECK(fixture.Stored(uuid).last_used() >= first);
}

TEST_CASE("the uses of many keys are written with few statements") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  constexpr int kKeys = 600;
  InsertKeys(*fixture.database, kKeys);
  {
    KeyUses uses(*fixture.database);
    for (int i = 0; i < kKeys; ++i) uses.Note(testing::NthUuid(i));
  }
  CHECK(SelectInt64(*fixture.database,
                    "select count(*) from \"authorization\" where last_used is not null") == kKeys);
  // Each statement has one time for all of its keys.
  CHECK(SelectInt64(*fixture.database, "select count(distinct last_used) from \"authorization\"") ==
        3);
}

TEST_CASE("uses are dropped while the database is away and written again once it is back") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const std::string uuid = fixture.Create(Key()).api_key().uuid();
  {
    KeyUses uses(*fixture.database);
    ExecuteSql(*fixture.database, "alter table \"authorization\" rename to away");
    uses.Note(uuid);
    absl::SleepFor(KeyUses::kGather + absl::Seconds(2));
    ExecuteSql(*fixture.database, "alter table away rename to \"authorization\"");
    CHECK_FALSE(fixture.Stored(uuid).has_last_used());
    uses.Note(uuid);
  }
  CHECK(fixture.Stored(uuid).has_last_used());
}

TEST_CASE("uses of more keys than are remembered are dropped") {
  Fixture fixture(db::Engine::kSqlite);
  const std::string uuid = fixture.Create(Key()).api_key().uuid();
  {
    KeyUses uses(*fixture.database);
    for (size_t i = 0; i < KeyUses::kCapacity; ++i) {
      uses.Note(testing::NthUuid(static_cast<int>(i)));
    }
    uses.Note(uuid);
  }
  CHECK_FALSE(fixture.Stored(uuid).has_last_used());
}

}  // namespace
}  // namespace alma::organizations
