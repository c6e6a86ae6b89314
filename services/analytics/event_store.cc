#include "services/analytics/event_store.h"

#include "common/text/timestamp.h"

namespace alma::analytics {
namespace {

bool IsBySchedule(const v1::ListEventsRequest& request) {
  return request.has_scheduled_from() || request.has_scheduled_to();
}

void SetRange(const v1::ListEventsRequest& request, tenant::ListRange& range) {
  if (IsBySchedule(request)) {
    range.OrderBy({"scheduled_to", "uuid"}, /*descending=*/false);
    range.WithinSet(request.has_scheduled_from() ? &request.scheduled_from() : nullptr,
                    request.has_scheduled_to() ? &request.scheduled_to() : nullptr);
  } else {
    range.OrderBy({"created_at", "uuid"}, /*descending=*/true);
    range.Within(request.has_created_from() ? &request.created_from() : nullptr,
                 request.has_created_to() ? &request.created_to() : nullptr);
  }
}

}  // namespace

tenant::ListQuery EventsBehind(const db::Position& after, std::string_view organization,
                               const v1::ListEventsRequest& request, int64_t limit) {
  tenant::ListRange range(Events().name(), Events().columns(), organization);
  if (!request.conversation_uuid().empty()) {
    range.Where("conversation_uuid", request.conversation_uuid());
  } else if (!request.agent_uuid().empty()) {
    range.Where("agent_uuid", request.agent_uuid());
  } else if (!request.event_type().empty()) {
    range.Where("event_type", request.event_type());
    if (!request.event_subtype().empty()) range.Where("event_subtype", request.event_subtype());
  }
  if (!request.show_deleted()) range.Filter("deleted_at is null");
  SetRange(request, range);
  return range.Behind(after, limit);
}

absl::StatusOr<db::ListPage<v1::ListEventsResponse>> EventStore::List(
    const rpc::Call& call, const v1::ListEventsRequest& request, const db::Position& after) {
  return Page<v1::ListEventsResponse>(
      call, request.page_size(), after, v1::ListEventsResponse::kEventsFieldNumber,
      [&](const db::Position& at, int64_t limit) {
        return EventsBehind(at, call.organization(), request, limit);
      },
      [&](const v1::Event& event) {
        return db::Position{text::FormatTimestamp(IsBySchedule(request) ? event.scheduled_to()
                                                                        : event.created_at()),
                            event.uuid()};
      });
}

}  // namespace alma::analytics
