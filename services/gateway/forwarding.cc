#include "services/gateway/forwarding.h"

#include <map>
#include <string>
#include <string_view>

#include <grpcpp/support/string_ref.h>

#include "absl/time/clock.h"
#include "common/auth/scopes.h"
#include "common/log/log.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace alma::gateway {
namespace {

constexpr char kTraceState[] = "tracestate";
// By the W3C's recommendation.
constexpr size_t kMaxTraceStateBytes = 512;

std::string ToString(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// Whether an entry of the backend's metadata goes on to the client as it is. gRPC writes its own
// ones anew (the status' details would arrive twice), and CallRecord those of the request.
bool GoesOn(const std::string& key) {
  if (key == rpc::kRequestId || key == rpc::kTraceParent) return false;
  return !key.starts_with("grpc-") || key == rpc::kRetryPushback;
}

// What a service's own log line gives as the reason; empty for OK and for what no service made.
std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (status.ok() || !details.ParseFromString(status.error_details())) return {};
  for (const google::protobuf::Any& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return {};
}

}  // namespace

Forwarding::Forwarding(const rpc::Method& method, const Destination& to,
                       grpc::CallbackServerContext& context, absl::Duration default_deadline)
    : method_(method),
      to_(to),
      context_(context),
      record_(method, to.runtime, context, default_deadline) {}

grpc::GenericStub& Forwarding::Start() {
  backend_context_.AddMetadata(rpc::kPrincipal, to_.principals.For(record_.caller(), absl::Now()));
  backend_context_.AddMetadata(rpc::kRequestId, record_.request_id());
  if (!record_.trace_parent().empty()) {
    backend_context_.AddMetadata(rpc::kTraceParent, record_.trace_parent());
    const auto state = context_.client_metadata().find(kTraceState);
    if (state != context_.client_metadata().end() && state->second.size() <= kMaxTraceStateBytes) {
      backend_context_.AddMetadata(kTraceState, ToString(state->second));
    }
  }
  if (record_.deadline() != absl::InfiniteFuture()) {
    backend_context_.set_deadline(absl::ToChronoTime(record_.deadline()));
  }
  return place_.emplace(to_.backend).stub();
}

void Forwarding::PassInitialMetadata() {
  if (passed_initial_metadata_) return;
  passed_initial_metadata_ = true;
  record_.SendInitialMetadata();
  for (const auto& [name, value] : backend_context_.GetServerInitialMetadata()) {
    const std::string key = ToString(name);
    if (GoesOn(key)) context_.AddInitialMetadata(key, ToString(value));
  }
}

void Forwarding::PassTrailers() {
  for (const auto& [name, value] : backend_context_.GetServerTrailingMetadata()) {
    const std::string key = ToString(name);
    if (GoesOn(key)) context_.AddTrailingMetadata(key, ToString(value));
  }
}

grpc::Status Forwarding::Close(const grpc::Status& status) {
  if (method_.scope == auth::kOrganizationAdmin || method_.scope == auth::kPlatformAdmin) {
    to_.on_change();
  }
  place_.reset();
  // Services always say why; gRPC, which makes these where a connection fails, names addresses.
  const bool bare =
      status.error_details().empty() && backend_context_.GetServerTrailingMetadata().empty();
  if (bare && status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    log::Debug("backend_unavailable", {{"method", method_.path},
                                       {"request_id", record_.request_id()},
                                       {"message", status.error_message()}});
    return record_.Close(status::BackendUnavailable());
  }
  if (bare && status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    return record_.Close(status::DeadlineExceeded());
  }
  // An error without initial metadata stays trailers-only, so that clients retry it.
  if (status.ok() || !backend_context_.GetServerInitialMetadata().empty()) PassInitialMetadata();
  PassTrailers();
  if (status.error_code() > grpc::StatusCode::UNAUTHENTICATED) {
    grpc::Status unknown(grpc::StatusCode::UNKNOWN, status.error_message());
    record_.CloseWith(unknown);
    return unknown;
  }
  record_.CloseWith(status, ReasonOf(status));
  return status;
}

}  // namespace alma::gateway
