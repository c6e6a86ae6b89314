#include "services/analytics/event_rows.h"

#include "absl/types/span.h"
#include "services/analytics/payload_types.h"

namespace alma::analytics {
namespace {

using v1::Event;

// Read behind the type, which says what it is.
tenant::Column<Event> JsonColumn() {
  return {"json",
          [](db::Row& row, Event& event) {
            if (auto json = row.OptionalJson()) {
              PayloadTypes::OfEvents().FromJson(*std::move(json), &event);
            }
          },
          [](std::string_view name, const Event& event) {
            return db::Param(name, PayloadTypes::OfEvents().ToJson(event));
          }};
}

// Not before: a repeat is compared with what its caller set.
absl::Status FillIn(db::Session&, absl::Span<Event* const> events) {
  for (Event* const event : events) PayloadTypes::OfEvents().FillIn(event);
  return absl::OkStatus();
}

absl::Status Erase(db::Session&, Event& event) {
  event.clear_payload();
  return absl::OkStatus();
}

}  // namespace

const tenant::Table<Event>& Events() {
  using tenant::Changing;
  using tenant::OptionalText;
  using tenant::Text;
  static const tenant::Table<Event> table({
      .name = "events",
      .resource = "event",
      .columns =
          {
              Text<&Event::conversation_uuid, &Event::mutable_conversation_uuid>(
                  "conversation_uuid"),
              Text<&Event::agent_uuid, &Event::mutable_agent_uuid>("agent_uuid"),
              tenant::Time<&Event::created_at, &Event::mutable_created_at>("created_at"),
              Changing(tenant::OptionalTime<&Event::has_scheduled_to, &Event::scheduled_to,
                                            &Event::mutable_scheduled_to>("scheduled_to")),
              Text<&Event::event_type, &Event::mutable_event_type>("event_type"),
              OptionalText<&Event::event_subtype, &Event::mutable_event_subtype>("event_subtype"),
              Changing(JsonColumn()),
              OptionalText<&Event::origin, &Event::mutable_origin>("origin"),
              OptionalText<&Event::external_id, &Event::mutable_external_id>("external_id"),
          },
      .on_create = FillIn,
      .on_delete = Erase,
  });
  return table;
}

}  // namespace alma::analytics
