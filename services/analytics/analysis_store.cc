#include "services/analytics/analysis_store.h"

#include "common/text/field_mask.h"
#include "common/text/timestamp.h"
#include "services/analytics/validate.h"

namespace alma::analytics {

tenant::ListQuery AnalysesBehind(const db::Position& after, std::string_view organization,
                                 const v1::ListAnalysesRequest& request, int64_t limit) {
  tenant::ListRange range(Analyses().name(), Analyses().columns(), organization);
  if (!request.conversation_uuid().empty()) {
    range.Where("conversation_uuid", request.conversation_uuid());
  } else if (!request.analysis_type().empty()) {
    range.Where("analysis_type", request.analysis_type());
  }
  if (!request.show_deleted()) range.Filter("deleted_at is null");
  range.OrderBy({"created_at", "uuid"}, /*descending=*/true);
  range.Within(request.has_created_from() ? &request.created_from() : nullptr,
               request.has_created_to() ? &request.created_to() : nullptr);
  return range.Behind(after, limit);
}

absl::StatusOr<db::ListPage<v1::ListAnalysesResponse>> AnalysisStore::List(
    const rpc::Call& call, const v1::ListAnalysesRequest& request, const db::Position& after) {
  return Page<v1::ListAnalysesResponse>(
      call, request.page_size(), after, v1::ListAnalysesResponse::kAnalysesFieldNumber,
      [&](const db::Position& at, int64_t limit) {
        return AnalysesBehind(at, call.organization(), request, limit);
      },
      [](const v1::Analysis& analysis) {
        return db::Position{text::FormatTimestamp(analysis.created_at()), analysis.uuid()};
      });
}

absl::StatusOr<v1::Analysis> AnalysisStore::Update(const rpc::Call& call,
                                                   const v1::UpdateAnalysisRequest& request) {
  const v1::Analysis& given = request.analysis();
  return Change(call, given.uuid(), given.revision(), [&](v1::Analysis& stored) {
    text::WriteMasked(request.update_mask(), given, &stored);
    return CheckUpdated(stored);
  });
}

}  // namespace alma::analytics
