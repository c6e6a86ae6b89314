#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "alma/analytics/v1/analyses.pb.h"
#include "common/tenant/store.h"
#include "services/analytics/analysis_rows.h"

namespace alma::analytics {

// Up to `limit` rows of the list behind `after`. The Position of a row is its created_at and uuid.
tenant::ListQuery AnalysesBehind(const db::Position& after, std::string_view organization,
                                 const v1::ListAnalysesRequest& request, int64_t limit);

// Analyses as they are stored. See tenant::Store.
class AnalysisStore : public tenant::Store<v1::Analysis> {
 public:
  explicit AnalysisStore(db::Database& database) : Store(database, Analyses()) {}

  // The analyses behind `after`, by created_at and uuid, both descending.
  absl::StatusOr<db::ListPage<v1::ListAnalysesResponse>> List(
      const rpc::Call& call, const v1::ListAnalysesRequest& request, const db::Position& after);

  // As Store::Update; INVALID_ARGUMENT where the analysis would not have a result of its type or
  // only one index.
  absl::StatusOr<v1::Analysis> Update(const rpc::Call& call,
                                      const v1::UpdateAnalysisRequest& request);
};

}  // namespace alma::analytics
