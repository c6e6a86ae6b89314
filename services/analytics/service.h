#pragma once

#include "absl/status/statusor.h"
#include "alma/analytics/v1/analyses.pb.h"
#include "alma/analytics/v1/events.pb.h"
#include "alma/analytics/v1/follow_ups.pb.h"
#include "common/db/page_token.h"
#include "common/rpc/service.h"
#include "common/tenant/gets.h"
#include "common/wire/encoded.h"
#include "services/analytics/analysis_store.h"
#include "services/analytics/event_store.h"
#include "services/analytics/follow_up_store.h"

namespace alma::analytics {

// alma.analytics.v1.AnalyticsService. What it is given outlives it.
class AnalyticsService final : public rpc::Service {
 public:
  AnalyticsService(rpc::Runtime& runtime, AnalysisStore& store, const db::PageTokens& page_tokens);

 private:
  absl::Status CreateAnalysis(const rpc::Call& call, v1::CreateAnalysisRequest& request,
                              rpc::Completion<v1::Analysis> completion);
  absl::StatusOr<v1::BatchCreateAnalysesResponse> BatchCreateAnalyses(
      const rpc::Call& call, v1::BatchCreateAnalysesRequest& request);
  absl::Status GetAnalysis(const rpc::Call& call, v1::GetAnalysisRequest& request,
                           rpc::Completion<v1::Analysis> completion);
  absl::StatusOr<wire::Encoded<v1::ListAnalysesResponse>> ListAnalyses(
      const rpc::Call& call, v1::ListAnalysesRequest& request);
  absl::StatusOr<v1::Analysis> UpdateAnalysis(const rpc::Call& call,
                                              v1::UpdateAnalysisRequest& request);
  absl::StatusOr<v1::Analysis> DeleteAnalysis(const rpc::Call& call,
                                              v1::DeleteAnalysisRequest& request);

  AnalysisStore& store_;
  tenant::Gets<v1::Analysis> gets_;
  const db::PageTokens& page_tokens_;
};

// alma.analytics.v1.EventsService. What it is given outlives it.
class EventsService final : public rpc::Service {
 public:
  EventsService(rpc::Runtime& runtime, EventStore& store, const db::PageTokens& page_tokens);

 private:
  absl::Status CreateEvent(const rpc::Call& call, v1::CreateEventRequest& request,
                           rpc::Completion<v1::Event> completion);
  absl::StatusOr<v1::BatchCreateEventsResponse> BatchCreateEvents(
      const rpc::Call& call, v1::BatchCreateEventsRequest& request);
  absl::Status GetEvent(const rpc::Call& call, v1::GetEventRequest& request,
                        rpc::Completion<v1::Event> completion);
  absl::StatusOr<wire::Encoded<v1::ListEventsResponse>> ListEvents(const rpc::Call& call,
                                                                   v1::ListEventsRequest& request);
  absl::StatusOr<v1::Event> UpdateEvent(const rpc::Call& call, v1::UpdateEventRequest& request);
  absl::StatusOr<v1::Event> DeleteEvent(const rpc::Call& call, v1::DeleteEventRequest& request);

  EventStore& store_;
  tenant::Gets<v1::Event> gets_;
  const db::PageTokens& page_tokens_;
};

// alma.analytics.v1.FollowUpsService. What it is given outlives it.
class FollowUpsService final : public rpc::Service {
 public:
  FollowUpsService(rpc::Runtime& runtime, FollowUpStore& store, const db::PageTokens& page_tokens);

 private:
  absl::Status CreateFollowUp(const rpc::Call& call, v1::CreateFollowUpRequest& request,
                              rpc::Completion<v1::FollowUp> completion);
  absl::StatusOr<v1::BatchCreateFollowUpsResponse> BatchCreateFollowUps(
      const rpc::Call& call, v1::BatchCreateFollowUpsRequest& request);
  absl::Status GetFollowUp(const rpc::Call& call, v1::GetFollowUpRequest& request,
                           rpc::Completion<v1::FollowUp> completion);
  absl::StatusOr<wire::Encoded<v1::ListFollowUpsResponse>> ListFollowUps(
      const rpc::Call& call, v1::ListFollowUpsRequest& request);
  absl::StatusOr<v1::FollowUp> UpdateFollowUp(const rpc::Call& call,
                                              v1::UpdateFollowUpRequest& request);
  absl::StatusOr<v1::FollowUp> DeleteFollowUp(const rpc::Call& call,
                                              v1::DeleteFollowUpRequest& request);

  FollowUpStore& store_;
  tenant::Gets<v1::FollowUp> gets_;
  const db::PageTokens& page_tokens_;
};

}  // namespace alma::analytics
