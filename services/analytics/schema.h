#pragma once

#include "common/db/schema.h"

namespace alma::analytics {

// The databases `analytics`, `events` and `follow_up`, each with one table of tenants' rows.
const db::Schema& AnalyticsSchema();
const db::Schema& EventsSchema();
const db::Schema& FollowUpSchema();

}  // namespace alma::analytics
