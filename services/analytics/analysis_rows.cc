#include "services/analytics/analysis_rows.h"

#include "services/analytics/payload_types.h"

namespace alma::analytics {
namespace {

using v1::Analysis;

// Read behind the type, which says what it is, and behind deleted_at.
tenant::Column<Analysis> ResultColumn() {
  return {"result",
          [](db::Row& row, Analysis& analysis) {
            google::protobuf::Struct result = row.Json();
            if (analysis.has_deleted_at()) return;
            PayloadTypes::OfAnalyses().FromJson(std::move(result), &analysis);
          },
          [](std::string_view name, const Analysis& analysis) {
            return db::Param(name, PayloadTypes::OfAnalyses().ToJson(analysis).value_or(
                                       google::protobuf::Struct()));
          }};
}

absl::Status Erase(db::Session&, Analysis& analysis) {
  analysis.clear_result();
  return absl::OkStatus();
}

}  // namespace

const tenant::Table<Analysis>& Analyses() {
  using tenant::Changing;
  using tenant::OptionalNumber;
  using tenant::Text;
  static const tenant::Table<Analysis> table({
      .name = "analytics",
      .resource = "analysis",
      .columns =
          {
              Text<&Analysis::conversation_uuid, &Analysis::mutable_conversation_uuid>(
                  "conversation_uuid"),
              Changing(
                  OptionalNumber<&Analysis::has_context_start_index, &Analysis::context_start_index,
                                 &Analysis::set_context_start_index>("context_start_index")),
              Changing(
                  OptionalNumber<&Analysis::has_context_end_index, &Analysis::context_end_index,
                                 &Analysis::set_context_end_index>("context_end_index")),
              Text<&Analysis::analysis_type, &Analysis::mutable_analysis_type>("analysis_type"),
              Changing(ResultColumn()),
              Text<&Analysis::origin, &Analysis::mutable_origin>("origin"),
              tenant::Time<&Analysis::created_at, &Analysis::mutable_created_at>("created_at"),
          },
      .on_delete = Erase,
  });
  return table;
}

}  // namespace alma::analytics
