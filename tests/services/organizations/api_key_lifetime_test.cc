#include <string>

#include "catch2/catch.hpp"
#include "common/text/timestamp.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/protobuf/util/time_util.h"
#include "tests/services/organizations/api_keys.h"

namespace alma::organizations {
namespace {

using google::protobuf::util::MessageDifferencer;
using google::protobuf::util::TimeUtil;

TEST_CASE("a revoked key stays as it is") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto created = fixture.Create(Key());
  const std::string uuid = created.api_key().uuid();
  CHECK(fixture.Verify(created.secret()).ok());
  const auto revoked = fixture.api_keys.Revoke(As(kAdminA), uuid);
  REQUIRE(revoked.ok());
  CHECK(revoked->has_revoked_at());
  CHECK(revoked->revision() == created.api_key().revision() + 1);
  CHECK(fixture.Verify(created.secret()).status() == kNoKey);

  auto again = fixture.api_keys.Revoke(As(kAdminA), uuid);
  REQUIRE(again.ok());
  v1::ApiKey stored = fixture.Stored(uuid);
  // That it was used is written at any time after it was.
  again->clear_last_used();
  stored.clear_last_used();
  CHECK(MessageDifferencer::Equals(*again, *revoked));
  CHECK(MessageDifferencer::Equals(stored, *revoked));
  const absl::Status deleted = status::UpdateOfEndedApiKey();
  CHECK(fixture.api_keys.Update(As(kAdminA), UpdateOf(created.api_key(), {"scopes"})).status() ==
        deleted);
  CHECK(fixture.api_keys.Rotate(As(kAdminA), RotateOf(uuid, 60)).status() == deleted);
}

TEST_CASE("a key that has ended is not brought back by an update") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto created = fixture.Create(Key());
  REQUIRE(fixture.api_keys.Rotate(As(kAdminA), RotateOf(created.api_key().uuid(), 0)).ok());
  v1::ApiKey longer = created.api_key();
  longer.clear_revision();
  longer.mutable_expires_at()->set_seconds(absl::ToUnixSeconds(absl::Now()) + 3600);
  CHECK(fixture.api_keys.Update(As(kAdminA), UpdateOf(longer, {"expires_at"})).status() ==
        status::UpdateOfEndedApiKey());
  CHECK(fixture.Verify(created.secret()).status() == kNoKey);
}

TEST_CASE("a rotated key works with its successor until the grace period ends") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  const auto old = fixture.Create(Key({auth::kAgentsRead, auth::kAgentsWrite}));
  const std::string uuid = old.api_key().uuid();
  const auto rotated = fixture.api_keys.Rotate(As(kAdminA), RotateOf(uuid, 3600));
  INFO(rotated.status());
  REQUIRE(rotated.ok());
  CHECK(rotated->api_key().uuid() != uuid);
  CHECK(rotated->secret() != old.secret());
  CHECK(rotated->api_key().api_key_name() == "crm");
  CHECK(rotated->api_key().scopes_size() == 2);
  CHECK_FALSE(rotated->api_key().has_expires_at());
  CHECK(MessageDifferencer::Equals(fixture.Stored(rotated->api_key().uuid()), rotated->api_key()));
  const v1::ApiKey ending = fixture.Stored(uuid);
  const auto in_an_hour = text::Now() + TimeUtil::HoursToDuration(1);
  CHECK(ending.expires_at() <= in_an_hour);
  CHECK(ending.expires_at() > in_an_hour - TimeUtil::MinutesToDuration(1));
  CHECK(ending.revision() + 1 == rotated->api_key().revision());
  CHECK(fixture.Verify(old.secret()).ok());
  CHECK(fixture.Verify(rotated->secret()).ok());

  // A longer grace does not prolong it, none ends it at once, and then it is expired.
  REQUIRE(fixture.api_keys.Rotate(As(kAdminA), RotateOf(uuid, 7200)).ok());
  CHECK(MessageDifferencer::Equals(fixture.Stored(uuid).expires_at(), ending.expires_at()));
  REQUIRE(fixture.api_keys.Rotate(As(kAdminA), RotateOf(uuid, 0)).ok());
  CHECK(fixture.Verify(old.secret()).status() == kNoKey);
  CHECK(fixture.api_keys.Rotate(As(kAdminA), RotateOf(uuid, 60)).status() ==
        status::UpdateOfEndedApiKey());
  CHECK(fixture.Verify(rotated->secret()).ok());
}

TEST_CASE("a successor keeps the expiry of the key that it follows") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey given = Key();
  *given.mutable_expires_at() = text::Now() + TimeUtil::HoursToDuration(1);
  const auto old = fixture.Create(given);
  const auto rotated =
      fixture.api_keys.Rotate(As(kAdminA), RotateOf(old.api_key().uuid(), 7 * 24 * 3600));
  REQUIRE(rotated.ok());
  CHECK(MessageDifferencer::Equals(rotated->api_key().expires_at(), given.expires_at()));
  CHECK(MessageDifferencer::Equals(fixture.Stored(old.api_key().uuid()).expires_at(),
                                   given.expires_at()));
}

TEST_CASE("verify answers what a principal is made from") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  v1::ApiKey given = Key({auth::kAgentsRead, auth::kAnalyticsRead});
  *given.mutable_expires_at() = text::Now() + TimeUtil::HoursToDuration(1);
  const auto created = fixture.Create(given);
  const auto verified = fixture.Verify(created.secret());
  INFO(verified.status());
  REQUIRE(verified.ok());
  CHECK(verified->organization_uuid() == kOrganizationA);
  CHECK(verified->api_key_uuid() == created.api_key().uuid());
  REQUIRE(verified->scopes_size() == 2);
  CHECK(verified->scopes(0) == auth::kAgentsRead);
  CHECK(verified->scopes(1) == auth::kAnalyticsRead);
  CHECK(MessageDifferencer::Equals(verified->expires_at(), given.expires_at()));
  CHECK(verified->change_seq() == 3);
  const auto other = fixture.Create(Key({}), kAdminB);
  CHECK(fixture.Verify(created.secret())->change_seq() == 4);
  CHECK(fixture.Verify(other.secret())->scopes().empty());
  CHECK_FALSE(fixture.Verify(other.secret())->has_expires_at());
}

TEST_CASE("verify lets no key in that is unknown or expired or whose organization is not active") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Fixture fixture(engine);
  CHECK(fixture.Verify(auth::NewApiKey()).status() == kNoKey);

  v1::ApiKey given = Key();
  *given.mutable_expires_at() = text::Now() - TimeUtil::MillisecondsToDuration(1);
  CHECK(fixture.Verify(fixture.Create(given).secret()).status() == kNoKey);

  const std::string secret = fixture.Create(Key()).secret();
  v1::UpdateOrganizationRequest update;
  update.mutable_organization()->set_uuid(kOrganizationA);
  update.mutable_update_mask()->add_paths("active");
  for (const bool active : {false, true, false}) {
    update.mutable_organization()->set_active(active ? "ACTIVE" : "INACTIVE");
    REQUIRE(fixture.organizations.Update(As(kPlatform), update).ok());
    CHECK(fixture.Verify(secret).ok() == active);
  }
  v1::DeleteOrganizationRequest request;
  request.set_uuid(kOrganizationB);
  const std::string other = fixture.Create(Key(), kAdminB).secret();
  CHECK(fixture.Verify(other).ok());
  REQUIRE(fixture.organizations.Delete(As(kPlatform), request).ok());
  CHECK(fixture.Verify(other).status() == kNoKey);
}

}  // namespace
}  // namespace alma::organizations
