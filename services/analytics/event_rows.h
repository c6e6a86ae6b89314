#pragma once

#include "alma/analytics/v1/events.pb.h"
#include "common/tenant/table.h"

namespace alma::analytics {

// The table events. A create without payload gets the empty one of its type, where that has one; a
// tombstone has none.
const tenant::Table<v1::Event>& Events();

}  // namespace alma::analytics
