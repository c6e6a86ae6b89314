#include "services/analytics/service.h"

#include <utility>

#include "common/db/list_page.h"
#include "common/status/macros.h"
#include "services/analytics/validate.h"

namespace alma::analytics {

AnalyticsService::AnalyticsService(rpc::Runtime& runtime, AnalysisStore& store,
                                   const db::PageTokens& page_tokens)
    : Service(*v1::Analysis::descriptor()->file()->FindServiceByName("AnalyticsService"), runtime),
      store_(store),
      gets_(store, runtime.workers),
      page_tokens_(page_tokens) {
  HandleLate("CreateAnalysis", &AnalyticsService::CreateAnalysis);
  Handle("BatchCreateAnalyses", &AnalyticsService::BatchCreateAnalyses);
  HandleLate("GetAnalysis", &AnalyticsService::GetAnalysis);
  Handle("ListAnalyses", &AnalyticsService::ListAnalyses);
  Handle("UpdateAnalysis", &AnalyticsService::UpdateAnalysis);
  Handle("DeleteAnalysis", &AnalyticsService::DeleteAnalysis);
}

absl::Status AnalyticsService::CreateAnalysis(const rpc::Call& call,
                                              v1::CreateAnalysisRequest& request,
                                              rpc::Completion<v1::Analysis> completion) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, std::move(*request.mutable_analysis()), std::move(completion));
}

absl::StatusOr<v1::BatchCreateAnalysesResponse> AnalyticsService::BatchCreateAnalyses(
    const rpc::Call& call, v1::BatchCreateAnalysesRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.CreateAll(call, "analyses", request.analyses(),
                          &v1::BatchCreateAnalysesResponse::mutable_analyses);
}

absl::Status AnalyticsService::GetAnalysis(const rpc::Call& call, v1::GetAnalysisRequest& request,
                                           rpc::Completion<v1::Analysis> completion) {
  RETURN_IF_ERROR(Validate(request));
  return gets_.Get(call, request.uuid(), std::move(completion));
}

absl::StatusOr<wire::Encoded<v1::ListAnalysesResponse>> AnalyticsService::ListAnalyses(
    const rpc::Call& call, v1::ListAnalysesRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::Analysis> AnalyticsService::UpdateAnalysis(const rpc::Call& call,
                                                              v1::UpdateAnalysisRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Update(call, request);
}

absl::StatusOr<v1::Analysis> AnalyticsService::DeleteAnalysis(const rpc::Call& call,
                                                              v1::DeleteAnalysisRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Delete(call, request.uuid(), request.revision());
}

EventsService::EventsService(rpc::Runtime& runtime, EventStore& store,
                             const db::PageTokens& page_tokens)
    : Service(*v1::Event::descriptor()->file()->FindServiceByName("EventsService"), runtime),
      store_(store),
      gets_(store, runtime.workers),
      page_tokens_(page_tokens) {
  HandleLate("CreateEvent", &EventsService::CreateEvent);
  Handle("BatchCreateEvents", &EventsService::BatchCreateEvents);
  HandleLate("GetEvent", &EventsService::GetEvent);
  Handle("ListEvents", &EventsService::ListEvents);
  Handle("UpdateEvent", &EventsService::UpdateEvent);
  Handle("DeleteEvent", &EventsService::DeleteEvent);
}

absl::Status EventsService::CreateEvent(const rpc::Call& call, v1::CreateEventRequest& request,
                                        rpc::Completion<v1::Event> completion) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, std::move(*request.mutable_event()), std::move(completion));
}

absl::StatusOr<v1::BatchCreateEventsResponse> EventsService::BatchCreateEvents(
    const rpc::Call& call, v1::BatchCreateEventsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.CreateAll(call, "events", request.events(),
                          &v1::BatchCreateEventsResponse::mutable_events);
}

absl::Status EventsService::GetEvent(const rpc::Call& call, v1::GetEventRequest& request,
                                     rpc::Completion<v1::Event> completion) {
  RETURN_IF_ERROR(Validate(request));
  return gets_.Get(call, request.uuid(), std::move(completion));
}

absl::StatusOr<wire::Encoded<v1::ListEventsResponse>> EventsService::ListEvents(
    const rpc::Call& call, v1::ListEventsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::Event> EventsService::UpdateEvent(const rpc::Call& call,
                                                     v1::UpdateEventRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Update(call, request.event(), request.update_mask());
}

absl::StatusOr<v1::Event> EventsService::DeleteEvent(const rpc::Call& call,
                                                     v1::DeleteEventRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Delete(call, request.uuid(), request.revision());
}

FollowUpsService::FollowUpsService(rpc::Runtime& runtime, FollowUpStore& store,
                                   const db::PageTokens& page_tokens)
    : Service(*v1::FollowUp::descriptor()->file()->FindServiceByName("FollowUpsService"), runtime),
      store_(store),
      gets_(store, runtime.workers),
      page_tokens_(page_tokens) {
  HandleLate("CreateFollowUp", &FollowUpsService::CreateFollowUp);
  Handle("BatchCreateFollowUps", &FollowUpsService::BatchCreateFollowUps);
  HandleLate("GetFollowUp", &FollowUpsService::GetFollowUp);
  Handle("ListFollowUps", &FollowUpsService::ListFollowUps);
  Handle("UpdateFollowUp", &FollowUpsService::UpdateFollowUp);
  Handle("DeleteFollowUp", &FollowUpsService::DeleteFollowUp);
}

absl::Status FollowUpsService::CreateFollowUp(const rpc::Call& call,
                                              v1::CreateFollowUpRequest& request,
                                              rpc::Completion<v1::FollowUp> completion) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Create(call, std::move(*request.mutable_follow_up()), std::move(completion));
}

absl::StatusOr<v1::BatchCreateFollowUpsResponse> FollowUpsService::BatchCreateFollowUps(
    const rpc::Call& call, v1::BatchCreateFollowUpsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.CreateAll(call, "follow_ups", request.follow_ups(),
                          &v1::BatchCreateFollowUpsResponse::mutable_follow_ups);
}

absl::Status FollowUpsService::GetFollowUp(const rpc::Call& call, v1::GetFollowUpRequest& request,
                                           rpc::Completion<v1::FollowUp> completion) {
  RETURN_IF_ERROR(Validate(request));
  return gets_.Get(call, request.event_uuid(), std::move(completion));
}

absl::StatusOr<wire::Encoded<v1::ListFollowUpsResponse>> FollowUpsService::ListFollowUps(
    const rpc::Call& call, v1::ListFollowUpsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::FollowUp> FollowUpsService::UpdateFollowUp(const rpc::Call& call,
                                                              v1::UpdateFollowUpRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Update(call, request.follow_up(), request.update_mask());
}

absl::StatusOr<v1::FollowUp> FollowUpsService::DeleteFollowUp(const rpc::Call& call,
                                                              v1::DeleteFollowUpRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Delete(call, request.event_uuid(), request.revision());
}

}  // namespace alma::analytics
