#include "services/organizations/change_feed.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "tests/services/organizations/followed.h"
#include "tests/support/bulk.h"
#include "tests/support/tenants.h"

// What a follower of ListKeyChanges is told.
namespace alma::organizations {
namespace {

using testing::ExecuteSql;
using testing::Ok;

// "5 key UUID REVOKED", "8 organization UUID inactive", "8 heartbeat"
std::string Say(const v1::ListKeyChangesResponse& change) {
  const std::string seq = absl::StrCat(change.change_seq(), " ");
  if (change.has_key()) {
    const bool active = change.key().state() == v1::KEY_STATE_ACTIVE;
    return absl::StrCat(seq, "key ", change.key().api_key_uuid(), active ? " ACTIVE" : " REVOKED");
  }
  if (change.has_organization()) {
    return absl::StrCat(seq, "organization ", change.organization().organization_uuid(),
                        change.organization().active() ? " active" : " inactive");
  }
  return absl::StrCat(seq, "heartbeat");
}

std::vector<std::string> Say(const Changes& changes) {
  std::vector<std::string> said;
  for (const auto& change : changes) said.push_back(Say(change));
  return said;
}

void MakeInactive(Fixture& fixture, const std::string& uuid) {
  v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_uuid(uuid);
  update.mutable_organization()->set_active("INACTIVE");
  update.mutable_update_mask()->add_paths("active");
  REQUIRE(fixture.organizations.Update(As(kPlatform), update).ok());
}

TEST_CASE("a follower gets the last state of every key and organization in order and a heartbeat") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto first = fixture.Create(Key());
  const auto second = fixture.Create(Key());
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), first.api_key().uuid()).ok());
  const auto rotated =
      Ok(fixture.api_keys.Rotate(As(kAdminA), RotateOf(second.api_key().uuid(), 60)));
  MakeInactive(fixture, kOrganizationB);

  Followed followed(*fixture.database);
  Following following(*followed.stub, 0);
  const Changes changes = following.AwaitSeq(8);
  const std::vector<std::string> all = {
      absl::StrCat("1 organization ", kOrganizationA, " active"),
      absl::StrCat("5 key ", first.api_key().uuid(), " REVOKED"),
      absl::StrCat("6 key ", second.api_key().uuid(), " ACTIVE"),
      absl::StrCat("7 key ", rotated.api_key().uuid(), " ACTIVE"),
      absl::StrCat("8 organization ", kOrganizationB, " inactive"),
  };
  const auto said = Say(changes);
  CHECK(std::vector<std::string>(said.begin(), said.begin() + 5) == all);
  const auto hash = auth::Sha256(first.secret());
  CHECK(changes[1].key().secret_sha256() == std::string(hash.begin(), hash.end()));
  CHECK(Say(following.Await([](const Changes& more) { return more.size() >= 6; })[5]) ==
        "8 heartbeat");

  Following later(*followed.stub, 6);
  const auto behind = Say(later.Await([](const Changes& more) { return more.size() >= 3; }));
  CHECK(std::vector<std::string>(behind.begin(), behind.begin() + 3) ==
        std::vector<std::string>{all[3], all[4], "8 heartbeat"});
}

TEST_CASE("a follower from now on gets a heartbeat and then what changes") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto key = fixture.Create(Key());
  Followed followed(*fixture.database);
  Following following(*followed.stub, -1);
  CHECK(Say(following.AwaitSeq(3)[0]) == "3 heartbeat");
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), key.api_key().uuid()).ok());
  const Changes changes = following.AwaitSeq(4);
  const auto change = std::find_if_not(changes.begin(), changes.end(), IsHeartbeat);
  REQUIRE(change != changes.end());
  CHECK(Say(*change) == absl::StrCat("4 key ", key.api_key().uuid(), " REVOKED"));
}

TEST_CASE("a database on which nothing was ever written has heartbeats too") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, Schema());
  Followed followed(*database);
  Following following(*followed.stub, 0);
  CHECK(Say(following.AwaitSeq(0)) == std::vector<std::string>{"0 heartbeat"});
}

TEST_CASE("heartbeats come every half second while nothing changes") {
  Fixture fixture(db::Engine::kSqlite);
  Followed followed(*fixture.database);
  Following following(*followed.stub, -1);
  following.AwaitSeq(2);
  const absl::Time first = absl::Now();
  following.Await([](const Changes& changes) { return changes.size() >= 7; });
  const absl::Duration six = absl::Now() - first;
  CHECK(six > absl::Milliseconds(2500));
  CHECK(six < absl::Milliseconds(4500));
}

TEST_CASE("more changes than are kept in memory come all the same") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, Schema());
  constexpr int kRows = 2500;
  const auto insert = [&](int rows, int from) {
    testing::InsertRows(*database,
                        absl::StrCat("insert into organizations (uuid, name, created_at, "
                                     "updated_at, active, revision, change_seq) "
                                     "select $UUID, 'n', $TIME, $TIME, 'ACTIVE', 1, i + 1 "
                                     "from numbers where i >= ",
                                     from),
                        rows);
  };
  insert(kRows, 0);
  ExecuteSql(*database, absl::StrCat("insert into change_sequence values (1, ", kRows, ")"));
  Followed followed(*database);
  Following from_now(*followed.stub, -1);
  Following from_start(*followed.stub, 0);
  CHECK(from_start.AwaitSeq(kRows).size() >= kRows);
  from_now.AwaitSeq(kRows);

  // The same while they follow.
  insert(2 * kRows, kRows);
  ExecuteSql(*database, absl::StrCat("update change_sequence set change_seq = ", 2 * kRows));
  const auto numbers = [&](Following& following, int64_t first) {
    std::vector<int64_t> seqs;
    for (const auto& change : following.AwaitSeq(2 * kRows)) {
      if (!IsHeartbeat(change)) seqs.push_back(change.change_seq());
    }
    int64_t next = first;
    for (const int64_t seq : seqs) next += seq == next ? 1 : 0;
    return next == 2 * kRows + 1 && seqs.size() == static_cast<size_t>(next - first);
  };
  CHECK(numbers(from_start, 1));
  CHECK(numbers(from_now, kRows + 1));
}

TEST_CASE("a store that was restored says so with a lower change_seq and goes on from there") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  fixture.Create(Key());
  fixture.Create(Key());
  Followed followed(*fixture.database);
  Following following(*followed.stub, -1);
  following.AwaitSeq(4);
  // As a dump from before the keys has it.
  ExecuteSql(*fixture.database, "delete from \"authorization\"");
  ExecuteSql(*fixture.database, "delete from key_audit where change_seq > 2");
  ExecuteSql(*fixture.database, "update change_sequence set change_seq = 2");
  const auto fell = [](const Changes& changes) { return changes.back().change_seq() == 2; };
  CHECK(IsHeartbeat(following.Await(fell).back()));

  // Also to who comes back only then.
  Following back(*followed.stub, 4);
  CHECK(Say(back.AwaitSeq(2)[0]) == "2 heartbeat");
  const auto key = fixture.Create(Key());
  const auto created = [](const Changes& changes) { return changes.back().change_seq() == 3; };
  for (Following* each : {&following, &back}) {
    const auto said = Say(each->Await(created));
    const std::string change = absl::StrCat("3 key ", key.api_key().uuid(), " ACTIVE");
    CHECK(std::count(said.begin(), said.end(), change) == 1);
  }
}

TEST_CASE("without the database a follower is told so instead of getting heartbeats") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  Followed followed(*fixture.database);
  Following following(*followed.stub, -1);
  following.AwaitSeq(2);
  ExecuteSql(*fixture.database, "alter table change_sequence rename to away");
  const grpc::Status ended = following.Ended();
  CHECK(ended.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(testing::ReasonOf(ended) == "DATABASE_UNAVAILABLE");
  Following meanwhile(*followed.stub, 0);
  CHECK(meanwhile.Ended().error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(meanwhile.Await([](const Changes&) { return true; }).empty());

  ExecuteSql(*fixture.database, "alter table away rename to change_sequence");
  Following again(*followed.stub, 1);
  const auto said = Say(again.Await([](const Changes& changes) { return changes.size() >= 2; }));
  CHECK(said[0] == absl::StrCat("2 organization ", kOrganizationB, " active"));
  CHECK(said[1] == "2 heartbeat");
}

TEST_CASE("only a gateway follows and from no position that cannot be") {
  Fixture fixture(db::Engine::kSqlite);
  Followed followed(*fixture.database);
  for (const int64_t after : {int64_t{-2}, INT64_MIN}) {
    Following following(*followed.stub, after);
    const grpc::Status ended = following.Ended();
    CHECK(ended.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(testing::FieldsOf(ended) == std::vector<std::string>{"after_change_seq"});
  }
  Following platform(*followed.stub, 0, kPlatform);
  CHECK(platform.Ended().error_code() == grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace alma::organizations
