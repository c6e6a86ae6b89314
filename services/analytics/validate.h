#pragma once

#include "absl/status/status.h"
#include "alma/analytics/v1/analyses.pb.h"
#include "alma/analytics/v1/events.pb.h"
#include "alma/analytics/v1/follow_ups.pb.h"

// Pure functions that say whether a request can be carried out at all: INVALID_ARGUMENT with every
// violated field otherwise. They bring the request into the one form that the stores expect, in
// place: uuids in lower case, times in microseconds, page sizes filled in, typed content in its own
// message and under its own type, and what a client cannot set taken out of a resource to create.
namespace alma::analytics {

absl::Status Validate(v1::CreateAnalysisRequest& request);
absl::Status Validate(v1::BatchCreateAnalysesRequest& request);
absl::Status Validate(v1::GetAnalysisRequest& request);
absl::Status Validate(v1::ListAnalysesRequest& request);
absl::Status Validate(v1::UpdateAnalysisRequest& request);
absl::Status Validate(v1::DeleteAnalysisRequest& request);

// INVALID_ARGUMENT unless an analysis has, after an update, a result of its type and both indexes
// or neither. Reads `custom` into the message of its type.
absl::Status CheckUpdated(v1::Analysis& analysis);

absl::Status Validate(v1::CreateEventRequest& request);
absl::Status Validate(v1::BatchCreateEventsRequest& request);
absl::Status Validate(v1::GetEventRequest& request);
absl::Status Validate(v1::ListEventsRequest& request);
absl::Status Validate(v1::UpdateEventRequest& request);
absl::Status Validate(v1::DeleteEventRequest& request);

absl::Status Validate(v1::CreateFollowUpRequest& request);
absl::Status Validate(v1::BatchCreateFollowUpsRequest& request);
absl::Status Validate(v1::GetFollowUpRequest& request);
absl::Status Validate(v1::ListFollowUpsRequest& request);
absl::Status Validate(v1::UpdateFollowUpRequest& request);
absl::Status Validate(v1::DeleteFollowUpRequest& request);

}  // namespace alma::analytics
