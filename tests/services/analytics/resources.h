#pragma once

#include <string>
#include <string_view>

#include "alma/analytics/v1/analyses.grpc.pb.h"
#include "alma/analytics/v1/events.grpc.pb.h"
#include "alma/analytics/v1/follow_ups.grpc.pb.h"
#include "catch2/catch.hpp"
#include "common/auth/scopes.h"
#include "services/analytics/schema.h"
#include "services/analytics/service.h"
#include "tests/support/database.h"
#include "tests/support/json.h"
#include "tests/support/served.h"
#include "tests/support/tenants.h"

namespace alma::analytics {

using testing::Equal;
using testing::FieldsOf;
using testing::FromJson;
using testing::kOurs;
using testing::kTheirs;
using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Them;
using testing::Us;
using Fields = std::vector<std::string>;

// Each service behind a stub, over its own database.
struct ServedAnalyses : testing::Served<AnalysisStore, AnalyticsService, v1::AnalyticsService> {
  explicit ServedAnalyses(db::Engine engine) : Served(engine, AnalyticsSchema()) {}
};
struct ServedEvents : testing::Served<EventStore, EventsService, v1::EventsService> {
  explicit ServedEvents(db::Engine engine) : Served(engine, EventsSchema()) {}
};
struct ServedFollowUps : testing::Served<FollowUpStore, FollowUpsService, v1::FollowUpsService> {
  explicit ServedFollowUps(db::Engine engine) : Served(engine, FollowUpSchema()) {}
};

// Who may read and write all of them for `organization`.
inline auth::v1::Principal CallerOf(const char* organization) {
  return testing::Caller(organization, {auth::kAnalyticsRead, auth::kAnalyticsWrite});
}

// Resources to create but for their content.
inline v1::Analysis BareAnalysis() {
  v1::Analysis analysis;
  analysis.set_conversation_uuid(NthUuid(1));
  analysis.set_origin("analyzer");
  return analysis;
}
inline v1::Event BareEvent() {
  v1::Event event;
  event.set_conversation_uuid(NthUuid(1));
  event.set_agent_uuid(NthUuid(2));
  return event;
}
inline v1::FollowUp NewFollowUp(int event = 3) {
  v1::FollowUp follow_up;
  follow_up.set_event_uuid(NthUuid(event));
  follow_up.set_conversation_uuid(NthUuid(1));
  follow_up.set_agent_uuid(NthUuid(2));
  follow_up.set_score(0);
  follow_up.mutable_follow_up_date()->set_seconds(1'800'000'000);
  return follow_up;
}

}  // namespace alma::analytics
