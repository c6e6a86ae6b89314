#pragma once

#include "alma/analytics/v1/follow_ups.pb.h"
#include "common/tenant/table.h"

namespace alma::analytics {

// The table follow_up, keyed by the event.
const tenant::Table<v1::FollowUp>& FollowUps();

}  // namespace alma::analytics
