#include "services/analytics/follow_up_store.h"

#include "common/text/timestamp.h"

namespace alma::analytics {

tenant::ListQuery FollowUpsBehind(const db::Position& after, std::string_view organization,
                                  const v1::ListFollowUpsRequest& request, int64_t limit) {
  tenant::ListRange range(FollowUps().name(), FollowUps().columns(), organization);
  if (!request.agent_uuid().empty()) {
    range.Where("agent_uuid", request.agent_uuid());
  } else if (!request.conversation_uuid().empty()) {
    range.Where("conversation_uuid", request.conversation_uuid());
  }
  if (!request.show_deleted()) range.Filter("deleted_at is null");
  range.OrderBy({"follow_up_date", "event_uuid"}, /*descending=*/false);
  range.Within(request.has_due_from() ? &request.due_from() : nullptr,
               request.has_due_to() ? &request.due_to() : nullptr);
  return range.Behind(after, limit);
}

absl::StatusOr<db::ListPage<v1::ListFollowUpsResponse>> FollowUpStore::List(
    const rpc::Call& call, const v1::ListFollowUpsRequest& request, const db::Position& after) {
  return Page<v1::ListFollowUpsResponse>(
      call, request.page_size(), after, v1::ListFollowUpsResponse::kFollowUpsFieldNumber,
      [&](const db::Position& at, int64_t limit) {
        return FollowUpsBehind(at, call.organization(), request, limit);
      },
      [](const v1::FollowUp& follow_up) {
        return db::Position{text::FormatTimestamp(follow_up.follow_up_date()),
                            follow_up.event_uuid()};
      });
}

}  // namespace alma::analytics
