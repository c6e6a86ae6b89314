#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "alma/analytics/v1/follow_ups.pb.h"
#include "common/tenant/store.h"
#include "services/analytics/follow_up_rows.h"

namespace alma::analytics {

// Up to `limit` rows of the list behind `after`. The Position of a row is its follow_up_date and
// event_uuid.
tenant::ListQuery FollowUpsBehind(const db::Position& after, std::string_view organization,
                                  const v1::ListFollowUpsRequest& request, int64_t limit);

// Follow-ups as they are stored. See tenant::Store.
class FollowUpStore : public tenant::Store<v1::FollowUp> {
 public:
  explicit FollowUpStore(db::Database& database) : Store(database, FollowUps()) {}

  // The follow-ups behind `after`, by follow_up_date and event_uuid.
  absl::StatusOr<db::ListPage<v1::ListFollowUpsResponse>> List(
      const rpc::Call& call, const v1::ListFollowUpsRequest& request, const db::Position& after);
};

}  // namespace alma::analytics
