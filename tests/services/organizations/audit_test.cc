#include "services/organizations/audit.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/text/timestamp.h"
#include "google/protobuf/util/time_util.h"
#include "tests/services/organizations/api_keys.h"
#include "tests/support/bulk.h"
#include "tests/support/captured.h"
#include "tests/support/tenants.h"

namespace alma::organizations {
namespace {

using testing::Ok;

// The rows behind `after`, as "3 ACTION organization key successor [fields] active by organization
// key", with - for null.
std::vector<std::string> Trail(db::Database& database, int64_t after = 0) {
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
          CHECK(row.Time() <= text::Now());
        });
  }));
  return trail;
}

TEST_CASE("every change of a key says who made it and of which key") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  auth::v1::Principal admin = kAdminA;
  admin.set_api_key_uuid(kAbsent);
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
      Trail(*fixture.database, 2) ==
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
  Fixture fixture(engine);
  v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_uuid(kOrganizationA);
  update.mutable_organization()->set_active("INACTIVE");
  update.mutable_update_mask()->add_paths("active");
  REQUIRE(fixture.organizations.Update(As(kPlatform), update).ok());
  v1::DeleteOrganizationRequest request;
  request.set_uuid(kOrganizationA);
  REQUIRE(fixture.organizations.Delete(As(kPlatform), request).ok());
  const std::string by = absl::StrCat(" by ", kOrganizationB, " -");
  CHECK(Trail(*fixture.database) ==
        std::vector<std::string>{
            absl::StrCat("1 ORGANIZATION_CREATED ", kOrganizationA, " - - - ACTIVE", by),
            absl::StrCat("2 ORGANIZATION_CREATED ", kOrganizationB, " - - - ACTIVE", by),
            absl::StrCat("3 ORGANIZATION_UPDATED ", kOrganizationA, " - - active INACTIVE", by),
            absl::StrCat("4 ORGANIZATION_DELETED ", kOrganizationA, " - - - INACTIVE", by),
        });
}

TEST_CASE("bootstrap leaves a trail without a caller") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  testing::TestDatabase database(engine, Schema());
  const auto made = Ok(Store(*database).Bootstrap("first", Deadline()));
  const std::string& organization = made.organization.uuid();
  CHECK(Trail(*database) ==
        std::vector<std::string>{
            absl::StrCat("1 ORGANIZATION_CREATED ", organization, " - - - ACTIVE by - -"),
            absl::StrCat("2 KEY_CREATED ", organization, " ", made.api_key.uuid(), " - - - by - -"),
        });
}

TEST_CASE("what changed nothing leaves no trail") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto key = fixture.Create(Key()).api_key();
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), key.uuid()).ok());
  const auto trail = Trail(*fixture.database);
  CHECK(trail.size() == 4);
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), key.uuid()).ok());
  CHECK_FALSE(fixture.api_keys.Update(As(kAdminA), UpdateOf(key, {"scopes"})).ok());
  CHECK_FALSE(fixture.api_keys.Rotate(As(kAdminA), RotateOf(key.uuid(), 60)).ok());
  CHECK_FALSE(fixture.api_keys.Create(As(kAdminA), key).ok());
  v1::Organization repeated;
  repeated.set_uuid(kOrganizationA);
  repeated.set_name("organization");
  REQUIRE(fixture.organizations.Create(As(kPlatform), repeated).ok());
  CHECK(Trail(*fixture.database) == trail);
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

TEST_CASE("a committed change is a line in the log and neither has the key nor its hash") {
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
  for (const std::string& line : Trail(*fixture.database)) said += line;
  for (const std::string& secret : {created.secret(), rotated.secret()}) {
    CHECK(said.find(secret) == std::string::npos);
    CHECK(said.find(secret.substr(5, 43)) == std::string::npos);
    CHECK(said.find(auth::Sha256Hex(secret)) == std::string::npos);
  }
}

}  // namespace
}  // namespace alma::organizations
