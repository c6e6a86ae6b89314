#include "services/organizations/api_key_store.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/text/timestamp.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/protobuf/util/time_util.h"
#include "tests/services/organizations/api_keys.h"
#include "tests/support/concurrently.h"
#include "tests/support/list.h"

namespace alma::organizations {
namespace {

using google::protobuf::util::MessageDifferencer;
using google::protobuf::util::TimeUtil;
using testing::Concurrently;
using testing::SelectInt64;

TEST_CASE("an API key is read back as its create answered and only its hash is stored") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey given = Key({auth::kAgentsRead, auth::kConversationsWrite});
  *given.mutable_expires_at() = text::Now() + TimeUtil::HoursToDuration(1);
  for (const v1::ApiKey& api_key : {Key(), given, Key({})}) {
    const auto created = fixture.Create(api_key);
    CAPTURE(created.api_key().DebugString());
    CHECK(auth::IsWellFormedApiKey(created.secret()));
    CHECK(created.api_key().key_prefix() == created.secret().substr(0, 12));
    CHECK(created.api_key().organization_uuid() == kOrganizationA);
    CHECK(created.api_key().scopes_size() == api_key.scopes_size());
    CHECK(MessageDifferencer::Equals(fixture.Stored(created.api_key().uuid()), created.api_key()));
    const auto hash = absl::StrCat("select count(*) from \"authorization\" where apikey = '",
                                   auth::Sha256Hex(created.secret()), "'");
    CHECK(SelectInt64(*fixture.database, hash) == 1);
  }
  // One revision each, behind that of the organization.
  CHECK(SelectInt64(*fixture.database, "select max(revision) from \"authorization\"") == 4);
  CHECK(SelectInt64(*fixture.database, "select max(revision) from revisions") == 4);
}

TEST_CASE("a key with a taken uuid is refused even with equal content") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey api_key = Key();
  api_key.set_uuid(kAbsent);
  fixture.Create(api_key);
  CHECK(fixture.api_keys.Create(As(kAdminA), api_key).status() == status::AlreadyExists("API key"));
  CHECK(fixture.api_keys.Create(As(kAdminB), api_key).status() == status::AlreadyExists("API key"));
  CHECK(SelectInt64(*fixture.database, "select change_seq from change_sequence") == 3);
}

TEST_CASE("32 callers that create one key uuid make one key") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey api_key = Key();
  api_key.set_uuid(kAbsent);
  std::vector<absl::Status> answers(32);
  Concurrently(32,
               [&](int i) { answers[i] = fixture.api_keys.Create(As(kAdminA), api_key).status(); });
  CHECK(std::count(answers.begin(), answers.end(), absl::OkStatus()) == 1);
  CHECK(std::count(answers.begin(), answers.end(), status::AlreadyExists("API key")) == 31);
}

TEST_CASE("a key needs an organization that the caller sees and that is not deleted") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey api_key = Key();
  for (const std::string& uuid : {kOrganizationB, kAbsent}) {
    api_key.set_organization_uuid(uuid);
    CHECK(fixture.api_keys.Create(As(kAdminA), api_key).status() ==
          status::NotFound("organization"));
  }
  CHECK(fixture.api_keys.Create(As(kPlatform), api_key).status() ==
        status::NotFound("organization"));
  api_key.set_organization_uuid(kOrganizationA);
  CHECK(fixture.Create(api_key, kPlatform).api_key().organization_uuid() == kOrganizationA);
  v1::DeleteOrganizationRequest request;
  request.set_uuid(kOrganizationA);
  REQUIRE(fixture.organizations.Delete(As(kPlatform), request).ok());
  CHECK(fixture.api_keys.Create(As(kPlatform), api_key).status() ==
        status::UpdateOfDeleted("organization"));
}

TEST_CASE("only platform admins hand out platform.admin") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const absl::Status refused = status::ScopeMissing(auth::kPlatformAdmin);
  CHECK(fixture.api_keys.Create(As(kAdminA), Key({auth::kPlatformAdmin})).status() == refused);

  v1::ApiKey plain = fixture.Create(Key()).api_key();
  plain.add_scopes(std::string(auth::kPlatformAdmin));
  CHECK(fixture.api_keys.Update(As(kAdminA), UpdateOf(plain, {"scopes"})).status() == refused);
  CHECK(fixture.api_keys.Update(As(kAdminA), UpdateOf(plain, {"api_key_name"})).ok());
  CHECK(fixture.api_keys.Update(As(kPlatform), UpdateOf(plain, {"scopes"})).status() ==
        status::RevisionStale("API key"));
  plain.clear_revision();
  REQUIRE(fixture.api_keys.Update(As(kPlatform), UpdateOf(plain, {"scopes"})).ok());
  // From now on it is a key that has it.
  CHECK(fixture.api_keys.Update(As(kAdminA), UpdateOf(plain, {"api_key_name"})).status() ==
        refused);
  CHECK(fixture.api_keys.Rotate(As(kAdminA), RotateOf(plain.uuid(), 0)).status() == refused);
  CHECK(fixture.api_keys.Rotate(As(kPlatform), RotateOf(plain.uuid(), 60)).ok());
  CHECK(fixture.api_keys.Revoke(As(kAdminA), plain.uuid()).status() == refused);
  CHECK(fixture.api_keys.Revoke(As(kPlatform), plain.uuid()).ok());
}

TEST_CASE(
    "who merely administers an organization cannot close the one that the platform is run from") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const v1::ApiKey key = fixture.Create(Key({auth::kPlatformAdmin}), kPlatform).api_key();
  CHECK(key.organization_uuid() == kOrganizationB);
  v1::UpdateOrganizationRequest close;
  close.mutable_organization()->set_uuid(kOrganizationB);
  close.mutable_organization()->set_active("INACTIVE");
  close.mutable_update_mask()->add_paths("active");
  v1::DeleteOrganizationRequest remove;
  remove.set_uuid(kOrganizationB);
  const absl::Status refused = status::ScopeMissing(auth::kPlatformAdmin);
  CHECK(fixture.organizations.Update(As(kAdminB), close).status() == refused);
  CHECK(fixture.organizations.Delete(As(kAdminB), remove).status() == refused);
  REQUIRE(fixture.api_keys.Revoke(As(kPlatform), key.uuid()).ok());
  CHECK(fixture.organizations.Update(As(kAdminB), close).ok());
  CHECK(fixture.organizations.Delete(As(kAdminB), remove).ok());
}

TEST_CASE("a key of another organization is as absent as one that does not exist") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const v1::ApiKey created = fixture.Create(Key()).api_key();
  v1::ApiKey given = Key();
  for (const std::string& uuid : {created.uuid(), kAbsent}) {
    given.set_uuid(uuid);
    CHECK(fixture.api_keys.Get(As(kAdminB), uuid).status() == kNoKey);
    CHECK(fixture.api_keys.Update(As(kAdminB), UpdateOf(given, {"api_key_name"})).status() ==
          kNoKey);
    CHECK(fixture.api_keys.Revoke(As(kAdminB), uuid).status() == kNoKey);
    CHECK(fixture.api_keys.Rotate(As(kAdminB), RotateOf(uuid, 0)).status() == kNoKey);
  }
  CHECK(MessageDifferencer::Equals(fixture.Stored(created.uuid()), created));
  v1::ListApiKeysRequest request;
  request.set_page_size(10);
  for (const std::string& uuid : {kOrganizationA, kAbsent}) {
    request.set_organization_uuid(uuid);
    CHECK(fixture.api_keys.List(As(kAdminB), request, {}).status() ==
          status::NotFound("organization"));
  }
}

TEST_CASE("an update of a key writes what its mask names") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey expected = fixture.Create(Key()).api_key();
  v1::ApiKey given = Key({auth::kAgentsWrite, auth::kConversationsRead});
  given.set_uuid(expected.uuid());
  given.set_revision(expected.revision());
  *given.mutable_expires_at() = text::Now() + TimeUtil::HoursToDuration(1);
  const auto updated =
      fixture.api_keys.Update(As(kAdminA), UpdateOf(given, {"scopes", "expires_at"}));
  INFO(updated.status());
  REQUIRE(updated.ok());
  *expected.mutable_scopes() = given.scopes();
  *expected.mutable_expires_at() = given.expires_at();
  expected.set_revision(expected.revision() + 1);
  CHECK(MessageDifferencer::Equals(*updated, expected));
  CHECK(MessageDifferencer::Equals(fixture.Stored(given.uuid()), expected));

  CHECK(fixture.api_keys.Update(As(kAdminA), UpdateOf(given, {"scopes"})).status() ==
        status::RevisionStale("API key"));
  given.clear_expires_at();
  given.clear_revision();
  const auto forever = fixture.api_keys.Update(As(kAdminA), UpdateOf(given, {"expires_at"}));
  REQUIRE(forever.ok());
  CHECK_FALSE(forever->has_expires_at());
  CHECK(MessageDifferencer::Equals(fixture.Stored(given.uuid()), *forever));
}

TEST_CASE("keys are listed by time of creation with revoked ones and only of one organization") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  std::vector<std::string> uuids;
  for (int i = 0; i < 7; ++i) {
    uuids.push_back(fixture.Create(Key()).api_key().uuid());
    fixture.Create(Key(), kAdminB);
  }
  REQUIRE(fixture.api_keys.Revoke(As(kAdminA), uuids[3]).ok());
  for (const int page_size : {1, 2, 7, 1000}) {
    CAPTURE(page_size);
    v1::ListApiKeysRequest request;
    request.set_page_size(page_size);
    std::vector<std::string> listed;
    db::Position after;
    do {
      const auto page = fixture.api_keys.List(As(kAdminA), request, after);
      INFO(page.status());
      REQUIRE(page.ok());
      const auto response = testing::Decoded(page->response);
      for (const auto& api_key : response.api_keys()) listed.push_back(api_key.uuid());
      after = page->next;
    } while (!after.empty());
    CHECK(listed == uuids);
  }
  v1::ListApiKeysRequest request;
  request.set_page_size(50);
  request.set_organization_uuid(kOrganizationA);
  const auto page = fixture.api_keys.List(As(kPlatform), request, {});
  REQUIRE(page.ok());
  testing::CheckListed(testing::Decoded(page->response), &v1::ListApiKeysResponse::mutable_api_keys,
                       7,
                       [&](const v1::ApiKey& api_key) { return fixture.Stored(api_key.uuid()); });
}

TEST_CASE("revisions and the change sequence have no gaps after racing writes") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  Concurrently(16, [&](int i) {
    const auto& caller = i % 2 == 0 ? kAdminA : kAdminB;
    const auto created = fixture.api_keys.Create(As(caller), Key());
    if (created.ok()) {
      fixture.api_keys.Rotate(As(caller), RotateOf(created->api_key().uuid(), 60)).IgnoreError();
    }
  });
  CHECK(SelectInt64(*fixture.database, "select count(*) from \"authorization\"") == 32);
  // Two organizations, 16 creates, 16 rotations of two writes each.
  CHECK(SelectInt64(*fixture.database, "select change_seq from change_sequence") ==
        2 + 16 + 2 * 16);
  for (const std::string& uuid : {kOrganizationA, kOrganizationB}) {
    CHECK(SelectInt64(
              *fixture.database,
              absl::StrCat("select revision from revisions where alma_internal_organization = '",
                           uuid, "'")) == 1 + 8 + 2 * 8);
  }
}

}  // namespace
}  // namespace alma::organizations
