#pragma once

#include "alma/analytics/v1/analyses.pb.h"
#include "common/tenant/table.h"

namespace alma::analytics {

// The table analytics. A tombstone has an empty object as its result and shows none.
const tenant::Table<v1::Analysis>& Analyses();

}  // namespace alma::analytics
