#include "services/analytics/validate.h"

#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "common/tenant/requests.h"
#include "common/text/checks.h"
#include "common/text/requests.h"
#include "services/analytics/payload_types.h"

namespace alma::analytics {
namespace {

using text::Presence;
using text::Violations;

constexpr std::array<std::string_view, 5> kMutableAnalysis = {
    "sentiment_analysis", "topics_detected", "custom", "context_start_index", "context_end_index"};

const PayloadTypes& Types() { return PayloadTypes::OfAnalyses(); }

void CheckIndexes(Violations& violations, const v1::Analysis& analysis) {
  text::CheckNotNegative(violations, "context_start_index", analysis.context_start_index());
  text::CheckNotNegative(violations, "context_end_index", analysis.context_end_index());
}

void CheckContext(Violations& violations, const v1::Analysis& analysis) {
  if (analysis.has_context_start_index() != analysis.has_context_end_index()) {
    violations.Add(analysis.has_context_start_index() ? "context_end_index" : "context_start_index",
                   "must be set where the other index is");
  } else if (analysis.context_end_index() < analysis.context_start_index()) {
    violations.Add("context_end_index", "must not be less than context_start_index");
  }
}

// What a result of this type has to have; `path` is how it came.
void CheckResult(Violations& violations, const std::string& path, const v1::Analysis& analysis) {
  if (analysis.has_sentiment_analysis() && !analysis.sentiment_analysis().has_score()) {
    violations.Add(absl::StrCat(path, ".score"), "must be set");
  }
  const v1::TopicsDetected& detected = analysis.topics_detected();
  for (int i = 0; i < detected.topics_size(); ++i) {
    text::CheckName(violations, absl::StrCat(path, ".topics[", i, "].name"),
                    detected.topics(i).name());
  }
}

void CheckAnalysis(Violations& violations, v1::Analysis& analysis) {
  analysis.clear_created_at();
  text::CheckUuid(violations, "conversation_uuid", analysis.mutable_conversation_uuid());
  CheckIndexes(violations, analysis);
  CheckContext(violations, analysis);
  if (Types().SetFieldOf(analysis) == nullptr) violations.Add("result", "must be set");
  const std::string path = Types().CheckNew(violations, &analysis);
  if (!path.empty()) CheckResult(violations, path, analysis);
  text::CheckName(violations, "origin", analysis.origin());
}

void CheckChanging(Violations& violations, v1::Analysis& analysis) {
  CheckIndexes(violations, analysis);
  Types().CheckContent(violations, &analysis);
}

}  // namespace

absl::Status CheckUpdated(v1::Analysis& analysis) {
  Violations violations;
  violations.set_prefix("analysis");
  CheckContext(violations, analysis);
  const google::protobuf::FieldDescriptor* set = Types().SetFieldOf(analysis);
  const google::protobuf::FieldDescriptor* typed = Types().FieldOf(analysis.analysis_type());
  const std::string expected = typed == nullptr ? "custom" : typed->name();
  if (set == nullptr) {
    violations.Add(expected, "must be set");
  } else if (set->name() == "custom" ? Types().ReadCustom(violations, &analysis) : set == typed) {
    CheckResult(violations, set->name(), analysis);
  } else if (set->name() != "custom") {
    violations.Add(set->name(), absl::StrCat("must be ", expected, ", as the analysis_type says"));
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::CreateAnalysisRequest& request) {
  return tenant::ValidateCreate(request, "analysis", &v1::CreateAnalysisRequest::has_analysis,
                                &v1::CreateAnalysisRequest::mutable_analysis, CheckAnalysis);
}

absl::Status Validate(v1::BatchCreateAnalysesRequest& request) {
  return tenant::ValidateBatchCreate(request, "analyses", request.mutable_analyses(),
                                     CheckAnalysis);
}

absl::Status Validate(v1::GetAnalysisRequest& request) { return tenant::ValidateGet(request); }

absl::Status Validate(v1::ListAnalysesRequest& request) {
  Violations violations;
  request.set_page_size(text::CheckPageSize(violations, request.page_size()));
  text::CheckUuid(violations, "conversation_uuid", request.mutable_conversation_uuid(),
                  Presence::kOptional);
  text::CheckWord(violations, "analysis_type", request.analysis_type(), Presence::kOptional);
  if (!request.conversation_uuid().empty() && !request.analysis_type().empty()) {
    violations.Add("analysis_type", "cannot be combined with conversation_uuid");
  }
  if (request.has_created_from()) {
    tenant::CheckBound(violations, "created_from", request.mutable_created_from());
  }
  if (request.has_created_to()) {
    tenant::CheckBound(violations, "created_to", request.mutable_created_to());
  }
  return violations.ToStatus();
}

absl::Status Validate(v1::UpdateAnalysisRequest& request) {
  return tenant::ValidateUpdate(request, "analysis", &v1::UpdateAnalysisRequest::has_analysis,
                                &v1::UpdateAnalysisRequest::mutable_analysis, kMutableAnalysis,
                                CheckChanging);
}

absl::Status Validate(v1::DeleteAnalysisRequest& request) {
  return tenant::ValidateDelete(request);
}

}  // namespace alma::analytics
