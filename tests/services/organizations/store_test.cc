#include "services/organizations/store.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/scopes.h"
#include "common/status/status.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/organizations/schema.h"
#include "tests/support/concurrently.h"
#include "tests/support/database.h"
#include "tests/support/list.h"
#include "tests/support/service_harness.h"

namespace alma::organizations {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::Caller;
using testing::Concurrently;
using testing::SelectInt64;
using testing::TestDatabase;

const std::string kUuid = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
const std::string kOther = "0190f3a2-7c1e-7b4d-8f00-0123456789ac";
const auth::v1::Principal kPlatform = Caller(kOther, {auth::kPlatformAdmin});

rpc::Call As(const auth::v1::Principal& caller) {
  return {caller, absl::Now() + absl::Seconds(20)};
}

v1::Organization Named(const std::string& name, const std::string& uuid = "") {
  v1::Organization organization;
  organization.set_uuid(uuid);
  organization.set_name(name);
  return organization;
}

v1::Organization Full() {
  v1::Organization organization = Named("Ünï ☃", kUuid);
  organization.set_active("INACTIVE");
  auto& fields = *organization.mutable_meta_data()->mutable_fields();
  fields["n"].set_number_value(0.1);
  fields["big"].set_number_value(1e300);
  fields["text"].set_string_value("\"\\\n日本");
  fields["list"].mutable_list_value()->add_values()->set_null_value(google::protobuf::NULL_VALUE);
  return organization;
}

v1::Organization Create(Store& store, const v1::Organization& organization) {
  auto created = store.Create(As(kPlatform), organization);
  INFO(created.status());
  REQUIRE(created.ok());
  return *std::move(created);
}

v1::Organization Stored(Store& store, const std::string& uuid) {
  auto stored = store.Get(As(kPlatform), uuid);
  INFO(stored.status());
  REQUIRE(stored.ok());
  return *std::move(stored);
}

v1::UpdateOrganizationRequest UpdateOf(const v1::Organization& organization,
                                       const std::vector<std::string>& paths) {
  v1::UpdateOrganizationRequest request;
  *request.mutable_organization() = organization;
  for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
  return request;
}

v1::DeleteOrganizationRequest DeleteOf(const std::string& uuid, int64_t revision = 0) {
  v1::DeleteOrganizationRequest request;
  request.set_uuid(uuid);
  request.set_revision(revision);
  return request;
}

int64_t ChangeSeq(TestDatabase& database) {
  return SelectInt64(*database, "select change_seq from change_sequence");
}

TEST_CASE("an organization is read back as its create answered") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  for (const v1::Organization& given : {Named("plain"), Full()}) {
    const v1::Organization created = Create(store, given);
    CAPTURE(created.DebugString());
    CHECK(created.name() == given.name());
    CHECK(created.active() == (given.active().empty() ? "ACTIVE" : "INACTIVE"));
    CHECK(created.has_meta_data() == given.has_meta_data());
    CHECK(created.revision() == 1);
    CHECK(MessageDifferencer::Equals(created.created_at(), created.updated_at()));
    CHECK(MessageDifferencer::Equals(Stored(store, created.uuid()), created));
  }
  CHECK(Stored(store, kUuid).name() == Full().name());
}

TEST_CASE("a repeated create answers the stored organization and leaves no gap") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  const v1::Organization created = Create(store, Full());
  CHECK(MessageDifferencer::Equals(Create(store, Full()), created));
  CHECK(MessageDifferencer::Equals(Create(store, Named(created.name(), kUuid)), created));
  v1::Organization as_read = created;
  as_read.set_revision(99);
  as_read.mutable_updated_at()->set_seconds(5);
  CHECK(MessageDifferencer::Equals(Create(store, as_read), created));
  CHECK(ChangeSeq(database) == 1);
  CHECK(SelectInt64(*database, "select revision from revisions") == 1);
}

TEST_CASE("a create with a known uuid and other content is refused") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  const v1::Organization created = Create(store, Full());
  v1::Organization active = Full();
  active.set_active("ACTIVE");
  v1::Organization meta_data = Full();
  (*meta_data.mutable_meta_data()->mutable_fields())["n"].set_number_value(0.2);
  for (const v1::Organization& other : {Named("other", kUuid), active, meta_data}) {
    CHECK(store.Create(As(kPlatform), other).status() == status::AlreadyExists("organization"));
  }
  CHECK(MessageDifferencer::Equals(Stored(store, kUuid), created));
  REQUIRE(store.Delete(As(kPlatform), DeleteOf(kUuid)).ok());
  CHECK(store.Create(As(kPlatform), Full()).status() == status::CreateOfDeleted("organization"));
}

TEST_CASE("32 callers that create one uuid make one organization") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  std::vector<absl::StatusOr<v1::Organization>> answers(32, absl::UnknownError("none"));
  Concurrently(32, [&](int i) { answers[i] = store.Create(As(kPlatform), Full()); });
  const v1::Organization stored = Stored(store, kUuid);
  for (const auto& answer : answers) {
    INFO(answer.status());
    REQUIRE(answer.ok());
    CHECK(MessageDifferencer::Equals(*answer, stored));
  }
  CHECK(stored.revision() == 1);
  CHECK(ChangeSeq(database) == 1);
}

TEST_CASE("an update writes what its mask names and takes the next revision") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  v1::Organization expected = Create(store, Full());
  const auto renamed = store.Update(As(kPlatform), UpdateOf(Named("renamed", kUuid), {"name"}));
  REQUIRE(renamed.ok());
  expected.set_name("renamed");
  expected.set_revision(2);
  *expected.mutable_updated_at() = renamed->updated_at();
  CHECK(MessageDifferencer::Equals(*renamed, expected));
  CHECK(MessageDifferencer::Equals(Stored(store, kUuid), expected));
  CHECK(renamed->updated_at().SerializeAsString() != renamed->created_at().SerializeAsString());

  const auto cleared = store.Update(As(kPlatform), UpdateOf(Named("", kUuid), {"meta_data"}));
  REQUIRE(cleared.ok());
  CHECK_FALSE(cleared->has_meta_data());
  CHECK(cleared->name() == "renamed");
  CHECK(MessageDifferencer::Equals(Stored(store, kUuid), *cleared));
  CHECK(ChangeSeq(database) == 3);
}

TEST_CASE("an update that writes nothing leaves no gap") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  const v1::Organization created = Create(store, Full());
  const auto kept = store.Update(As(kPlatform), UpdateOf(Named("", kUuid), {}));
  REQUIRE(kept.ok());
  CHECK(MessageDifferencer::Equals(*kept, created));
  CHECK(SelectInt64(*database, "select revision from revisions") == 1);
}

TEST_CASE("a stale revision is refused and changes nothing") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  v1::Organization organization = Create(store, Full());
  REQUIRE(store.Update(As(kPlatform), UpdateOf(organization, {"active"})).ok());
  organization.set_name("late");
  CHECK(store.Update(As(kPlatform), UpdateOf(organization, {"name"})).status() ==
        status::RevisionStale("organization"));
  CHECK(store.Delete(As(kPlatform), DeleteOf(kUuid, 1)).status() ==
        status::RevisionStale("organization"));
  CHECK(Stored(store, kUuid).name() == Full().name());
  CHECK(SelectInt64(*database, "select revision from revisions") == 2);
  CHECK(store.Delete(As(kPlatform), DeleteOf(kUuid, 2)).ok());
}

TEST_CASE("of 16 racing updates from one revision one succeeds") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  const v1::Organization created = Create(store, Full());
  std::vector<absl::Status> answers(16);
  Concurrently(16, [&](int i) {
    answers[i] = store.Update(As(kPlatform), UpdateOf(created, {"name"})).status();
  });
  int succeeded = 0;
  for (const absl::Status& answer : answers) {
    succeeded += answer.ok() ? 1 : 0;
    if (!answer.ok()) CHECK(answer == status::RevisionStale("organization"));
  }
  CHECK(succeeded == 1);
  CHECK(Stored(store, kUuid).revision() == 2);
}

TEST_CASE("a deleted organization stays as an empty tombstone") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  const v1::Organization created = Create(store, Full());
  const auto deleted = store.Delete(As(kPlatform), DeleteOf(kUuid));
  REQUIRE(deleted.ok());
  CHECK(deleted->name().empty());
  CHECK_FALSE(deleted->has_meta_data());
  CHECK(deleted->active() == "INACTIVE");
  CHECK(deleted->has_deleted_at());
  CHECK(deleted->revision() == 2);
  CHECK(MessageDifferencer::Equals(deleted->created_at(), created.created_at()));
  CHECK(MessageDifferencer::Equals(Stored(store, kUuid), *deleted));

  const auto again = store.Delete(As(kPlatform), DeleteOf(kUuid, 1));
  REQUIRE(again.ok());
  CHECK(MessageDifferencer::Equals(*again, *deleted));
  CHECK(store.Update(As(kPlatform), UpdateOf(Named("new", kUuid), {"name"})).status() ==
        status::UpdateOfDeleted("organization"));
  CHECK(SelectInt64(*database, "select revision from revisions") == 2);
}

TEST_CASE("another organization is as absent as one that does not exist") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  Create(store, Full());
  const auto admin = Caller(kOther, {auth::kOrganizationAdmin, auth::kOrganizationRead});
  for (const std::string& uuid :
       {kUuid, std::string("0190f3a2-7c1e-7b4d-8f00-0123456789ff"), kOther}) {
    CAPTURE(uuid);
    const absl::Status absent = status::NotFound("organization");
    CHECK(store.Get(As(admin), uuid).status() == absent);
    CHECK(store.Update(As(admin), UpdateOf(Named("x", uuid), {"name"})).status() == absent);
    CHECK(store.Delete(As(admin), DeleteOf(uuid)).status() == absent);
  }
  CHECK(store.Get(As(kPlatform), kOther).status() == status::NotFound("organization"));
  CHECK(SelectInt64(*database, "select count(*) from revisions") == 1);
  const auto own = Caller(kUuid, {auth::kOrganizationAdmin});
  CHECK(store.Get(As(own), kUuid).ok());
  CHECK(store.Update(As(own), UpdateOf(Named("own", kUuid), {"name"})).ok());
  CHECK(store.Delete(As(own), DeleteOf(kUuid)).ok());
}

// The uuids of all pages of this size.
std::vector<std::string> Listed(Store& store, const auth::v1::Principal& caller, int page_size,
                                bool show_deleted) {
  v1::ListOrganizationsRequest request;
  request.set_page_size(page_size);
  request.set_show_deleted(show_deleted);
  std::vector<std::string> uuids;
  db::Position after;
  do {
    const auto page = store.List(As(caller), request, after);
    INFO(page.status());
    REQUIRE(page.ok());
    const auto response = testing::Decoded(page->response);
    REQUIRE(response.organizations_size() <= page_size);
    testing::CheckListed(response, &v1::ListOrganizationsResponse::mutable_organizations,
                         response.organizations_size(), [&](const v1::Organization& organization) {
                           return store.Get(As(caller), organization.uuid()).value();
                         });
    for (const auto& organization : response.organizations()) {
      uuids.push_back(organization.uuid());
    }
    after = page->next;
  } while (!after.empty());
  return uuids;
}

TEST_CASE("organizations are listed by time of creation in pages of any size") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  std::vector<std::string> live;
  std::vector<std::string> all;
  for (int i = 0; i < 9; ++i) {
    const std::string uuid = Create(store, Named(absl::StrCat("n", i))).uuid();
    all.push_back(uuid);
    if (i % 4 == 3) REQUIRE(store.Delete(As(kPlatform), DeleteOf(uuid)).ok());
    if (i % 4 != 3) live.push_back(uuid);
  }
  for (const int page_size : {1, 2, 3, 7, 9, 1000}) {
    CAPTURE(page_size);
    CHECK(Listed(store, kPlatform, page_size, false) == live);
    CHECK(Listed(store, kPlatform, page_size, true) == all);
  }
  const auto own = Caller(all[3], {auth::kOrganizationRead});
  CHECK(Listed(store, own, 5, true) == std::vector<std::string>{all[3]});
  CHECK(Listed(store, own, 5, false).empty());
  CHECK(Listed(store, Caller(kUuid, {auth::kOrganizationRead}), 5, true).empty());
}

TEST_CASE("rows with one time of creation are paged by uuid") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  for (int i = 0; i < 5; ++i) Create(store, Named("same"));
  REQUIRE(
      database
          ->Write(absl::Now() + absl::Seconds(20),
                  [](db::Session& session) {
                    return session.Execute(
                        "update organizations set created_at = '2024-02-29 12:34:56.789000+00'");
                  })
          .ok());
  const std::vector<std::string> listed = Listed(store, kPlatform, 2, false);
  CHECK(listed.size() == 5);
  CHECK(std::is_sorted(listed.begin(), listed.end()));
  CHECK(std::set<std::string>(listed.begin(), listed.end()).size() == 5);
}

TEST_CASE("bootstrap makes the first organization and a key with every scope") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  const auto made = store.Bootstrap("Acme", absl::Now() + absl::Seconds(20));
  INFO(made.status());
  REQUIRE(made.ok());
  CHECK(made->organization.name() == "Acme");
  CHECK(made->api_key.api_key_name() == "bootstrap");
  CHECK(made->api_key.organization_uuid() == made->organization.uuid());
  CHECK(made->api_key.scopes_size() == static_cast<int>(auth::kAllScopes.size()));
  CHECK(made->secret.starts_with(made->api_key.key_prefix()));
  CHECK(MessageDifferencer::Equals(Stored(store, made->organization.uuid()), made->organization));

  CHECK(store.Bootstrap("Acme", absl::Now() + absl::Seconds(20)).status().code() ==
        absl::StatusCode::kFailedPrecondition);
  REQUIRE(store.Delete(As(kPlatform), DeleteOf(made->organization.uuid())).ok());
  CHECK(store.Bootstrap("Acme", absl::Now() + absl::Seconds(20)).status().code() ==
        absl::StatusCode::kFailedPrecondition);
}

TEST_CASE("of eight bootstraps at once one succeeds") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, Schema());
  Store store(*database);
  std::vector<absl::StatusCode> codes(8);
  Concurrently(8, [&](int i) {
    codes[i] = store.Bootstrap("Acme", absl::Now() + absl::Seconds(20)).status().code();
  });
  CHECK(std::count(codes.begin(), codes.end(), absl::StatusCode::kOk) == 1);
  CHECK(std::count(codes.begin(), codes.end(), absl::StatusCode::kFailedPrecondition) == 7);
  CHECK(SelectInt64(*database, "select count(*) from organizations") == 1);
  CHECK(SelectInt64(*database, "select count(*) from \"authorization\"") == 1);
}

TEST_CASE("bootstrap refuses a name that is none") {
  TestDatabase database(db::Engine::kSqlite, Schema());
  Store store(*database);
  for (const std::string& name :
       {std::string(), std::string(" "), std::string("a\0b", 3), std::string("\xff")}) {
    CHECK(store.Bootstrap(name, absl::Now() + absl::Seconds(20)).status().code() ==
          absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace alma::organizations
