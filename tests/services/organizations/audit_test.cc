#include "services/organizations/audit.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "catch2/catch.hpp"
#include "common/text/timestamp.h"
#include "google/protobuf/util/time_util.h"
#include "tests/services/organizations/api_keys.h"
#include "tests/support/bulk.h"
#include "tests/support/captured.h"
#include "tests/support/tenants.h"

namespace alma::organizations {
namespace {

using google::protobuf::Timestamp;
using testing::Ok;

// The rows behind `after`, as "3 ACTION organization key successor [fields] active by organization
// key", with - for null. All of these changes were made after `begun`, one after another.
std::vector<std::string> Trail(db::Database& database, const Timestamp& begun, int64_t after = 0) {
  Timestamp last = begun;
  std::vector<std::string> trail;
  Ok(database.Read(Deadline(), [&](db::Session& session) {
    return session.Query(
        "select change_seq, action, organization_uuid, api_key_uuid, successor_uuid, fields, "
        "active, by_organization_uuid, by_api_key_uuid, changed_at from key_audit "
        "where change_seq > :after order by change_seq",
        {{"after", after}}, [&](db::Row& row) {
          std::string line = absl::StrCat(row.Int64());
          for (int i = 0; i < 8; ++i) {
            absl::StrAppend(&line, i == 6 ? " by " : " ",
                            std::string(row.OptionalText().value_or("-")));
          }
          trail.push_back(line);
          const Timestamp when = row.Time();
          CHECK(when >= last);
          CHECK(when <= text::Now());
          last = when;
        });
  }));
  return trail;
}

// What the rows of keys say that the keys have, in order: "name [scopes] expires_at grace", with -
// for null.
std::vector<std::string> Left(db::Database& database) {
  std::vector<std::string> left;
  Ok(database.Read(Deadline(), [&](db::Session& session) {
    return session.Query(
        "select api_key_name, scopes, expires_at, grace from key_audit where api_key_uuid is not "
        "null order by change_seq",
        {}, [&](db::Row& row) {
          std::string line(row.OptionalText().value_or("-"));
          absl::StrAppend(&line, " [", std::string(row.OptionalText().value_or("-")), "] ");
          absl::StrAppend(&line, row.SkipNull() ? "-" : text::FormatTimestamp(row.Time()));
          absl::StrAppend(&line, " ", std::string(row.OptionalText().value_or("-")));
          left.push_back(line);
        });
  }));
  return left;
}

// A key that is created, changed in all that can change, rotated, and revoked.
struct Changed {
  explicit Changed(Fixture& fixture, const auth::v1::Principal& by = kAdminA)
      : created(fixture.Create(Key(), by)) {
    v1::ApiKey given = created.api_key();
    given.set_api_key_name("connector");
    given.clear_scopes();
    given.add_scopes(std::string(auth::kAgentsRead));
    given.add_scopes(std::string(auth::kAgentsWrite));
    given.mutable_expires_at()->set_seconds(kExpires);
    updated = Ok(
        fixture.api_keys.Update(As(by), UpdateOf(given, {"api_key_name", "scopes", "expires_at"})));
    const std::string& uuid = created.api_key().uuid();
    rotated = Ok(fixture.api_keys.Rotate(As(by), RotateOf(uuid, 60)));
    ended = fixture.Stored(uuid);
    Ok(fixture.api_keys.Revoke(As(by), uuid));
  }

  // 2100-01-01.
  static constexpr int64_t kExpires = 4102444800;
  v1::CreateApiKeyResponse created;
  v1::ApiKey updated;
  v1::RotateApiKeyResponse rotated;
  v1::ApiKey ended;
};

TEST_CASE("every change of a key says what the key has from then on") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const Changed changed(fixture);
  const std::string expires = "2100-01-01 00:00:00.000000+00";
  const std::string ends = text::FormatTimestamp(changed.ended.expires_at());
  CHECK(ends < expires);
  CHECK(Left(*fixture.database) ==
        std::vector<std::string>{
            "crm [agents.read] - -",
            absl::StrCat("connector [agents.read agents.write] ", expires, " -"),
            absl::StrCat("connector [agents.read agents.write] ", ends, " 60s"),
            absl::StrCat("connector [agents.read agents.write] ", expires, " -"),
            absl::StrCat("connector [agents.read agents.write] ", ends, " -"),
        });
}

TEST_CASE("every change of a key says who made it and of which key") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  auth::v1::Principal admin = kAdminA;
  admin.set_api_key_uuid(kAbsent);
  const Timestamp begun = text::Now();
  const auto created = fixture.Create(Key(), admin);
  v1::ApiKey changed = created.api_key();
  changed.set_api_key_name("connector");
  REQUIRE(fixture.api_keys.Update(As(admin), UpdateOf(changed, {"api_key_name", "scopes"})).ok());
  const std::string& uuid = created.api_key().uuid();
  const std::string successor =
      Ok(fixture.api_keys.Rotate(As(admin), RotateOf(uuid, 60))).api_key().uuid();
  REQUIRE(fixture.api_keys.Revoke(As(kPlatform), uuid).ok());
  const std::string by = absl::StrCat(" by ", kOrganizationA, " ", kAbsent);
  CHECK(
      Trail(*fixture.database, begun, 2) ==
      std::vector<std::string>{
          absl::StrCat("3 KEY_CREATED ", kOrganizationA, " ", uuid, " - - -", by),
          absl::StrCat("4 KEY_UPDATED ", kOrganizationA, " ", uuid, " - api_key_name scopes -", by),
          absl::StrCat("5 KEY_ROTATED ", kOrganizationA, " ", uuid, " ", successor, " - -", by),
          absl::StrCat("6 KEY_CREATED ", kOrganizationA, " ", successor, " - - -", by),
          absl::StrCat("7 KEY_REVOKED ", kOrganizationA, " ", uuid, " - - - by ", kOrganizationB,
                       " -"),
      });
}

TEST_CASE("every change of an organization says who made it and what state it has") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const Timestamp begun = text::Now();
  Fixture fixture(engine);
  v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_uuid(kOrganizationA);
  update.mutable_organization()->set_name("Escola");
  update.mutable_organization()->set_active("INACTIVE");
  update.mutable_update_mask()->add_paths("name");
  update.mutable_update_mask()->add_paths("active");
  REQUIRE(fixture.organizations.Update(As(kPlatform), update).ok());
  v1::DeleteOrganizationRequest request;
  request.set_uuid(kOrganizationA);
  REQUIRE(fixture.organizations.Delete(As(kPlatform), request).ok());
  const std::string by = absl::StrCat(" by ", kOrganizationB, " -");
  CHECK(
      Trail(*fixture.database, begun) ==
      std::vector<std::string>{
          absl::StrCat("1 ORGANIZATION_CREATED ", kOrganizationA, " - - - ACTIVE", by),
          absl::StrCat("2 ORGANIZATION_CREATED ", kOrganizationB, " - - - ACTIVE", by),
          absl::StrCat("3 ORGANIZATION_UPDATED ", kOrganizationA, " - - name active INACTIVE", by),
          absl::StrCat("4 ORGANIZATION_DELETED ", kOrganizationA, " - - - INACTIVE", by),
      });
}

TEST_CASE("bootstrap leaves a trail without a caller") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, Schema());
  const Timestamp begun = text::Now();
  const auto made = Ok(Store(*database).Bootstrap("first", Deadline()));
  const std::string& organization = made.organization.uuid();
  CHECK(Trail(*database, begun) ==
        std::vector<std::string>{
            absl::StrCat("1 ORGANIZATION_CREATED ", organization, " - - - ACTIVE by - -"),
            absl::StrCat("2 KEY_CREATED ", organization, " ", made.api_key.uuid(), " - - - by - -"),
        });
}

TEST_CASE("what changed nothing leaves no trail") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const Timestamp begun = text::Now();
  Fixture fixture(engine);
  const auto key = fixture.Create(Key()).api_key();
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), key.uuid()).ok());
  const auto trail = Trail(*fixture.database, begun);
  CHECK(trail.size() == 4);
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), key.uuid()).ok());
  CHECK_FALSE(fixture.api_keys.Update(As(kAdminA), UpdateOf(key, {"scopes"})).ok());
  CHECK_FALSE(fixture.api_keys.Rotate(As(kAdminA), RotateOf(key.uuid(), 60)).ok());
  CHECK_FALSE(fixture.api_keys.Create(As(kAdminA), key).ok());
  v1::Organization repeated;
  repeated.set_uuid(kOrganizationA);
  repeated.set_name("organization");
  REQUIRE(fixture.organizations.Create(As(kPlatform), repeated).ok());
  CHECK(Trail(*fixture.database, begun) == trail);
}

TEST_CASE("no key is changed without its trail") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto created = fixture.Create(Key());
  testing::ExecuteSql(*fixture.database, "alter table key_audit rename to away");
  CHECK_FALSE(fixture.api_keys.Create(As(kAdminA), Key()).ok());
  CHECK_FALSE(fixture.api_keys.Revoke(As(kAdminA), created.api_key().uuid()).ok());
  CHECK_FALSE(fixture.api_keys.Rotate(As(kAdminA), RotateOf(created.api_key().uuid(), 60)).ok());
  CHECK(testing::SelectInt64(*fixture.database, "select count(*) from \"authorization\"") == 1);
  CHECK(fixture.Verify(created.secret()).ok());
}

// The lines of the log of this event, from "change_seq" to the end.
std::vector<std::string> KeyChanges(const std::string& log) {
  static const std::string event = R"("event":"key_change",)";
  std::vector<std::string> lines;
  for (const auto& part : absl::StrSplit(log, '\n')) {
    const std::string line(part);
    const size_t at = line.find(event);
    if (at != std::string::npos) lines.push_back(line.substr(at + event.size()));
  }
  return lines;
}

TEST_CASE("the log says of each change all but the names that tenants give") {
  Fixture fixture(db::Engine::kSqlite);
  auth::v1::Principal admin = kAdminA;
  admin.set_api_key_uuid(kAbsent);
  testing::Captured log(STDERR_FILENO);
  const Changed changed(fixture, admin);
  v1::DeleteOrganizationRequest request;
  request.set_uuid(kOrganizationA);
  REQUIRE(fixture.organizations.Delete(As(admin), request).ok());
  const auto line = [&](int change_seq, const std::string& action, const std::string& what) {
    return absl::StrCat(R"("change_seq":)", change_seq, R"(,"action":")", action,
                        R"(","organization":")", kOrganizationA, R"(",)", what,
                        R"(,"by_organization":")", kOrganizationA, R"(","by_api_key_uuid":")",
                        kAbsent, R"("})");
  };
  const auto key = [](const std::string& uuid, const std::string& successor,
                      const std::string& what) {
    return absl::StrCat(R"("api_key_uuid":")", uuid, R"(","successor_uuid":")", successor, R"(",)",
                        what);
  };
  const std::string& uuid = changed.created.api_key().uuid();
  const std::string& successor = changed.rotated.api_key().uuid();
  const std::string both =
      R"("active":"","scopes":"agents.read agents.write","expires_at":"2100-01-01T00:00:00Z")";
  const std::string ended =
      absl::StrCat(R"("active":"","scopes":"agents.read agents.write","expires_at":")",
                   google::protobuf::util::TimeUtil::ToString(changed.ended.expires_at()), "\"");
  CHECK(
      KeyChanges(log.Text()) ==
      std::vector<std::string>{
          line(3, "KEY_CREATED",
               key(uuid, "",
                   R"("grace":"","fields":"","active":"","scopes":"agents.read","expires_at":"")")),
          line(4, "KEY_UPDATED",
               key(uuid, "", R"("grace":"","fields":"api_key_name scopes expires_at",)" + both)),
          line(5, "KEY_ROTATED", key(uuid, successor, R"("grace":"60s","fields":"",)" + ended)),
          line(6, "KEY_CREATED", key(successor, "", R"("grace":"","fields":"",)" + both)),
          line(7, "KEY_REVOKED", key(uuid, "", R"("grace":"","fields":"",)" + ended)),
          line(8, "ORGANIZATION_DELETED",
               key("", "",
                   R"("grace":"","fields":"","active":"INACTIVE","scopes":"","expires_at":"")")),
      });
}

TEST_CASE("a committed change is a line in the log and neither has the key nor its hash") {
  const Timestamp begun = text::Now();
  Fixture fixture(db::Engine::kSqlite);
  testing::Captured log(STDERR_FILENO);
  const auto created = fixture.Create(Key());
  const auto rotated =
      Ok(fixture.api_keys.Rotate(As(kAdminA), RotateOf(created.api_key().uuid(), 60)));
  CHECK_FALSE(fixture.api_keys.Create(As(kAdminA), created.api_key()).ok());
  std::string said = log.Text();
  CHECK(said.find(absl::StrCat(R"("event":"key_change","change_seq":3,"action":"KEY_CREATED",)",
                               R"("organization":")", kOrganizationA, R"(","api_key_uuid":")",
                               created.api_key().uuid(), "\"")) != std::string::npos);
  CHECK(said.find(absl::StrCat(R"("action":"KEY_ROTATED")")) != std::string::npos);
  CHECK(said.find(R"("change_seq":6)") == std::string::npos);
  for (const std::string& line : Trail(*fixture.database, begun)) said += line;
  for (const std::string& line : Left(*fixture.database)) said += line;
  for (const std::string& secret : {created.secret(), rotated.secret()}) {
    CHECK(said.find(secret) == std::string::npos);
    CHECK(said.find(secret.substr(5, 43)) == std::string::npos);
    CHECK(said.find(auth::Sha256Hex(secret)) == std::string::npos);
  }
}

}  // namespace
}  // namespace alma::organizations
