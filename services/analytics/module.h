#pragma once

#include "common/serve/host.h"
#include "services/analytics/analysis_store.h"
#include "services/analytics/event_store.h"
#include "services/analytics/follow_up_store.h"
#include "services/analytics/service.h"

namespace alma::analytics {

// The databases that a Module needs.
serve::Schemas Schemas();

// The gRPC services of this folder and what they stand on, added to the process of `host`.
class Module {
 public:
  explicit Module(serve::Host& host);

 private:
  AnalysisStore analysis_store_;
  EventStore event_store_;
  FollowUpStore follow_up_store_;
  AnalyticsService analytics_;
  EventsService events_;
  FollowUpsService follow_ups_;
};

}  // namespace alma::analytics
