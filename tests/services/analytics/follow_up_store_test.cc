#include <limits>

#include "common/status/status.h"
#include "services/analytics/validate.h"
#include "tests/services/analytics/resources.h"

// What a store of follow-ups does beyond a single row that is written and read.
namespace alma::analytics {
namespace {

struct FollowUpDatabase {
  explicit FollowUpDatabase(db::Engine engine)
      : database(engine, FollowUpSchema()), store(*database) {}

  absl::StatusOr<v1::FollowUp> Create(const v1::FollowUp& follow_up) {
    v1::CreateFollowUpRequest request;
    *request.mutable_follow_up() = follow_up;
    const absl::Status valid = Validate(request);
    if (!valid.ok()) return valid;
    return store.Create(Us(), request.follow_up());
  }

  absl::StatusOr<v1::FollowUp> Update(v1::UpdateFollowUpRequest request) {
    const absl::Status valid = Validate(request);
    if (!valid.ok()) return valid;
    return store.Update(Us(), request.follow_up(), request.update_mask());
  }

  testing::TestDatabase database;
  FollowUpStore store;
};

TEST_CASE("an event has one follow-up and a repeat of it is recognised") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  FollowUpDatabase follow_ups(engine);
  const auto score =
      GENERATE(0, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max());
  v1::FollowUp wanted = NewFollowUp();
  wanted.set_score(score);
  wanted.mutable_follow_up_date()->set_nanos(1'999);
  const v1::FollowUp created = Ok(follow_ups.Create(wanted));
  wanted.mutable_follow_up_date()->set_nanos(1'000);
  wanted.set_alma_internal_organization(kOurs);
  wanted.set_revision(1);
  CHECK(Equal(created, wanted));
  CHECK(Equal(Ok(follow_ups.store.Get(Us(), NthUuid(3))), created));
  CHECK(Equal(Ok(follow_ups.Create(wanted)), created));

  v1::FollowUp second = NewFollowUp();
  second.set_score(5);
  CHECK(ReasonOf(follow_ups.Create(second).status()) == "ALREADY_EXISTS");
  second = wanted;
  second.set_agent_uuid(NthUuid(8));
  CHECK(ReasonOf(follow_ups.Create(second).status()) == "ALREADY_EXISTS");
  CHECK(Ok(follow_ups.store.Create(Them(), NewFollowUp())).revision() == 1);
}

TEST_CASE("an update of a follow-up writes what its mask names") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  FollowUpDatabase follow_ups(engine);
  v1::FollowUp expected = NewFollowUp();
  expected.set_score(4);
  expected = Ok(follow_ups.Create(expected));
  v1::UpdateFollowUpRequest request;
  request.mutable_follow_up()->set_event_uuid(NthUuid(3));
  request.mutable_follow_up()->set_score(0);
  request.mutable_follow_up()->set_conversation_uuid(NthUuid(9));
  expected.set_score(0);
  expected.set_revision(2);
  CHECK(Equal(Ok(follow_ups.Update(request)), expected));

  request.mutable_update_mask()->add_paths("*");
  CHECK(FieldsOf(follow_ups.Update(request).status()) ==
        Fields{"follow_up.agent_uuid", "follow_up.follow_up_date"});
  request.mutable_follow_up()->clear_score();
  request.mutable_update_mask()->set_paths(0, "score");
  CHECK(FieldsOf(follow_ups.Update(request).status()) == Fields{"follow_up.score"});
  request.mutable_update_mask()->set_paths(0, "conversation_uuid");
  CHECK(FieldsOf(follow_ups.Update(request).status()) == Fields{"update_mask"});

  request.mutable_update_mask()->set_paths(0, "*");
  request.mutable_follow_up()->set_score(-1);
  request.mutable_follow_up()->set_agent_uuid(NthUuid(8));
  request.mutable_follow_up()->mutable_follow_up_date()->set_seconds(7);
  expected.set_score(-1);
  expected.set_agent_uuid(NthUuid(8));
  expected.mutable_follow_up_date()->set_seconds(7);
  expected.set_revision(3);
  CHECK(Equal(Ok(follow_ups.Update(request)), expected));
  CHECK(Equal(Ok(follow_ups.store.Get(Us(), NthUuid(3))), expected));
}

TEST_CASE("a deleted follow-up stays as a tombstone that its event keeps") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  FollowUpDatabase follow_ups(engine);
  v1::FollowUp expected = Ok(follow_ups.Create(NewFollowUp()));
  const v1::FollowUp tombstone = Ok(follow_ups.store.Delete(Us(), NthUuid(3), 1));
  expected.set_revision(2);
  *expected.mutable_deleted_at() = tombstone.deleted_at();
  CHECK(tombstone.has_deleted_at());
  CHECK(Equal(tombstone, expected));
  CHECK(Equal(Ok(follow_ups.store.Delete(Us(), NthUuid(3), 9)), expected));
  CHECK(ReasonOf(follow_ups.Create(NewFollowUp()).status()) == "DELETED");
}

}  // namespace
}  // namespace alma::analytics
