#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/requests.h"
#include "services/analytics/payload_json.h"
#include "services/analytics/payload_types.h"
#include "services/analytics/validate.h"

namespace alma::analytics {
namespace {

using google::protobuf::Struct;
using text::Presence;
using text::Violations;

constexpr std::array<std::string_view, 1> kMutableEvent = {"scheduled_to"};

constexpr std::string_view kMeetingDone = "MEETING_DONE";
constexpr char kCustomerInformation[] = "CUSTOMER_INFORMATION_DETECTION";

// What no event but one of kCustomerInformation has as its subtype.
constexpr std::array<std::string_view, 7> kCustomerInformationSubtypes = {
    "NAME",      "AGE",      "GRADUATION_INSTITUTION", "DESIRED_INSTITUTION", "COURSE_INTENDED",
    "EXAM_YEAR", "EXSTUDENT"};

bool IsOfCustomerInformation(std::string_view subtype) {
  return std::find(kCustomerInformationSubtypes.begin(), kCustomerInformationSubtypes.end(),
                   subtype) != kCustomerInformationSubtypes.end();
}

// Customer information under the name that the seed's document gives it by mistake.
bool IsMisnamed(const v1::Event& event) {
  return event.has_custom() && event.event_type() == kMeetingDone &&
         IsOfCustomerInformation(event.event_subtype());
}

void ReadMisnamed(Violations& violations, v1::Event& event) {
  Struct custom = std::move(*event.mutable_custom());
  event.set_event_type(kCustomerInformation);
  v1::CustomerInformationDetection& payload = *event.mutable_customer_information_detection();
  if (!text::CheckFreeJson(violations, "custom", &custom)) return;
  auto& fields = *custom.mutable_fields();
  const auto details = fields.find("DETAILS");
  if (details != fields.end() && details->second.has_struct_value()) {
    *payload.mutable_details() = std::move(*details->second.mutable_struct_value());
    fields.erase(details);
  }
  for (auto& [key, value] : fields) {
    if (key == "VALUE" && value.has_string_value()) {
      payload.set_value(value.string_value());
    } else if (payload.details().fields().contains(key)) {
      violations.Add(absl::StrCat("custom.", key), "is in DETAILS too");
    } else {
      (*payload.mutable_details()->mutable_fields())[key] = std::move(value);
    }
  }
  CheckPayload(violations, "custom", PathNames::kKeys, &payload);
}

void CheckSubtype(Violations& violations, const v1::Event& event) {
  const bool required = event.event_type() == kCustomerInformation;
  CheckUpperSnake(violations, "event_subtype", event.event_subtype(),
                  required ? Presence::kRequired : Presence::kOptional);
  if (!required && IsOfCustomerInformation(event.event_subtype())) {
    violations.Add("event_subtype", absl::StrCat("is only for ", kCustomerInformation));
  }
}

void CheckSchedule(Violations& violations, v1::Event& event) {
  if (event.has_scheduled_to()) {
    tenant::CheckTime(violations, "scheduled_to", event.mutable_scheduled_to());
  }
}

void CheckEvent(Violations& violations, v1::Event& event) {
  event.clear_created_at();
  text::CheckUuid(violations, "conversation_uuid", event.mutable_conversation_uuid());
  text::CheckUuid(violations, "agent_uuid", event.mutable_agent_uuid());
  CheckSchedule(violations, event);
  if (IsMisnamed(event)) {
    ReadMisnamed(violations, event);
  } else {
    PayloadTypes::OfEvents().CheckNew(violations, &event);
  }
  CheckSubtype(violations, event);
  text::CheckName(violations, "origin", event.origin(),
                  event.external_id().empty() ? Presence::kOptional : Presence::kRequired);
}

void CheckFilters(Violations& violations, v1::ListEventsRequest& request) {
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid(),
                  Presence::kOptional);
  text::CheckUuid(violations, "agent_uuid", request.mutable_agent_uuid(), Presence::kOptional);
  text::CheckWord(violations, "event_type", request.event_type(), Presence::kOptional);
  text::CheckWord(violations, "event_subtype", request.event_subtype(), Presence::kOptional);
  const bool by_conversation = !request.conversation_uuid().empty();
  const bool by_agent = !request.agent_uuid().empty();
  if (by_conversation && by_agent) {
    violations.Add("agent_uuid", "cannot be combined with conversation_uuid");
  }
  if ((by_conversation || by_agent) && !request.event_type().empty()) {
    violations.Add("event_type", "cannot be combined with conversation_uuid or agent_uuid");
  }
  if (request.event_type().empty() && !request.event_subtype().empty()) {
    violations.Add("event_subtype", "needs event_type");
  }
}

void CheckRanges(Violations& violations, v1::ListEventsRequest& request) {
  if (request.has_created_from()) {
    tenant::CheckBound(violations, "created_from", request.mutable_created_from());
  }
  if (request.has_created_to()) {
    tenant::CheckBound(violations, "created_to", request.mutable_created_to());
  }
  if (request.has_scheduled_from()) {
    tenant::CheckBound(violations, "scheduled_from", request.mutable_scheduled_from());
  }
  if (request.has_scheduled_to()) {
    tenant::CheckBound(violations, "scheduled_to", request.mutable_scheduled_to());
  }
  if ((request.has_created_from() || request.has_created_to()) &&
      (request.has_scheduled_from() || request.has_scheduled_to())) {
    violations.Add(request.has_scheduled_from() ? "scheduled_from" : "scheduled_to",
                   "cannot be combined with created_from or created_to");
  }
}

}  // namespace

absl::Status Validate(v1::CreateEventRequest& request) {
  return tenant::ValidateCreate(request, "event", &v1::CreateEventRequest::has_event,
                                &v1::CreateEventRequest::mutable_event, CheckEvent);
}

absl::Status Validate(v1::BatchCreateEventsRequest& request) {
  return tenant::ValidateBatchCreate(request, "events", request.mutable_events(), CheckEvent);
}

absl::Status Validate(v1::GetEventRequest& request) { return tenant::ValidateGet(request); }

absl::Status Validate(v1::ListEventsRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  CheckFilters(violations, request);
  CheckRanges(violations, request);
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateEventRequest& request) {
  return tenant::ValidateUpdate(request, "event", &v1::UpdateEventRequest::has_event,
                                &v1::UpdateEventRequest::mutable_event, kMutableEvent,
                                CheckSchedule);
}

absl::Status Validate(v1::DeleteEventRequest& request) { return tenant::ValidateDelete(request); }

}  // namespace alma::analytics
