#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "alma/analytics/v1/events.pb.h"
#include "common/tenant/store.h"
#include "services/analytics/event_rows.h"

namespace alma::analytics {

// Up to `limit` rows of the list behind `after`. The Position of a row is its created_at, or in a
// list by schedule its scheduled_to, and its uuid.
tenant::ListQuery EventsBehind(const db::Position& after, std::string_view organization,
                               const v1::ListEventsRequest& request, int64_t limit);

// Events as they are stored. See tenant::Store, and Events() for what a write does beyond the row.
class EventStore : public tenant::Store<v1::Event> {
 public:
  explicit EventStore(db::Database& database) : Store(database, Events()) {}

  // The events behind `after`: by created_at and uuid, both descending; those of a range of
  // scheduled_to by that and uuid, both ascending.
  absl::StatusOr<db::ListPage<v1::ListEventsResponse>> List(const rpc::Call& call,
                                                            const v1::ListEventsRequest& request,
                                                            const db::Position& after);
};

}  // namespace alma::analytics
