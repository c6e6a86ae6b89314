#include "services/analytics/module.h"

#include "absl/flags/flag.h"
#include "services/analytics/schema.h"

ABSL_FLAG(std::string, analytics_database, "", "Another place for this database alone.");
ABSL_FLAG(std::string, events_database, "", "Another place for this database alone.");
ABSL_FLAG(std::string, follow_up_database, "", "Another place for this database alone.");

namespace alma::analytics {

serve::Schemas Schemas() { return {&AnalyticsSchema(), &EventsSchema(), &FollowUpSchema()}; }

Module::Module(serve::Host& host)
    : analysis_store_(host.databases[AnalyticsSchema()]),
      event_store_(host.databases[EventsSchema()]),
      follow_up_store_(host.databases[FollowUpSchema()]),
      analytics_(host.runtime, analysis_store_, host.page_tokens),
      events_(host.runtime, event_store_, host.page_tokens),
      follow_ups_(host.runtime, follow_up_store_, host.page_tokens) {
  host.Add(analytics_, host.databases[AnalyticsSchema()]);
  host.Add(events_, host.databases[EventsSchema()]);
  host.Add(follow_ups_, host.databases[FollowUpSchema()]);
}

}  // namespace alma::analytics
