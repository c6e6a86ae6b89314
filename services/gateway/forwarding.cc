#include "services/gateway/forwarding.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <grpcpp/support/string_ref.h>

#include "absl/time/clock.h"
#include "common/limit/spread.h"
#include "common/log/log.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/gateway/key_changes.h"

namespace alma::gateway {
namespace {

std::string ToString(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// Whether an entry of the backend's metadata goes on to the client as it is. gRPC writes its own
// ones anew (the status' details would arrive twice), and CallRecord those of the request.
bool GoesOn(const std::string& key) {
  if (key == rpc::kRequestId || key == rpc::kTraceParent) return false;
  return !key.starts_with("grpc-") || key == rpc::kRetryPushback;
}

// How ERROR_REASON_OVERLOADED is called in details.
constexpr std::string_view kOverloaded = "OVERLOADED";

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

// Whether a CANCELLED without details and trailers comes from a server that takes no calls any
// more: gRPC ends with such texts, of its own or for a stream that was reset, what arrives while
// the client does not know that yet. A service that gives a call up by itself has another text.
bool IsFromShutdown(const std::string& text) {
  return text == "CANCELLED" || text.starts_with("Received RST_STREAM");
}

}  // namespace

Forwarding::Forwarding(const rpc::Method& method, const Destination& to,
                       grpc::CallbackServerContext& context, absl::Duration default_deadline,
                       limit::CongestionWindows* windows)
    : method_(method),
      to_(to),
      context_(context),
      record_(method, to.runtime, context, default_deadline),
      windows_(windows) {}

std::optional<absl::Status> Forwarding::TryAdmit() {
  if (!rpc::Visible(method_, to_.runtime)) return status::MethodUnimplemented();
  std::optional<absl::Status> admitted = record_.TryAdmit();
  return admitted.has_value() && admitted->ok() ? TakePlace() : admitted;
}

void Forwarding::AdmitLater(const Admitted& done) {
  const auto admit = [this, done] {
    const absl::Status admitted = record_.Guard([this] { return record_.Admit(); });
    done(admitted.ok() ? TakePlace() : admitted);
  };
  if (to_.runtime.workers.Submit(admit, record_.deadline())) return;
  done(status::Overloaded(to_.runtime.workers.RetryAfter()));
}

void Forwarding::Admit(const Admitted& done) {
  if (const auto admitted = TryAdmit(); admitted.has_value()) return done(*admitted);
  AdmitLater(done);
}

absl::Status Forwarding::TakePlace() {
  place_.emplace(to_.backend);
  if (!place_->reachable()) return status::BackendUnavailable();
  if (windows_ == nullptr) return absl::OkStatus();
  on_its_way_ = windows_->Of(record_.caller().organization_uuid()).Begin();
  return on_its_way_.has_value() ? absl::OkStatus()
                                 : status::Overloaded(limit::Spread(kRetryFullWindow));
}

grpc::GenericStub& Forwarding::Start() {
  grpc::ClientContext& context = backend_context_.emplace();
  context.AddMetadata(rpc::kPrincipal, to_.principals.For(record_.caller(), absl::Now()));
  context.AddMetadata(rpc::kRequestId, record_.request_id());
  const rpc::Trace& trace = record_.trace();
  if (!trace.parent.empty()) context.AddMetadata(rpc::kTraceParent, trace.parent);
  if (!trace.state.empty()) context.AddMetadata(rpc::kTraceState, trace.state);
  if (record_.deadline() != absl::InfiniteFuture()) {
    context.set_deadline(absl::ToChronoTime(record_.deadline()));
  }
  started_ = true;
  if (cancelled_) context.TryCancel();
  return place_->stub();
}

void Forwarding::PassInitialMetadata() {
  if (passed_initial_metadata_) return;
  passed_initial_metadata_ = true;
  record_.SendInitialMetadata();
  for (const auto& [name, value] : backend_context_->GetServerInitialMetadata()) {
    const std::string key = ToString(name);
    if (GoesOn(key)) context_.AddInitialMetadata(key, ToString(value));
  }
}

void Forwarding::PassTrailers() {
  for (const auto& [name, value] : backend_context_->GetServerTrailingMetadata()) {
    const std::string key = ToString(name);
    if (GoesOn(key)) context_.AddTrailingMetadata(key, ToString(value));
  }
}

absl::Status Forwarding::WithoutAnswer(const grpc::Status& status) const {
  // Services always say why; gRPC, which makes these where a connection fails, names addresses.
  if (!status.error_details().empty() || !backend_context_->GetServerTrailingMetadata().empty()) {
    return absl::OkStatus();
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return status::BackendUnavailable();
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return status::DeadlineExceeded();
    case grpc::StatusCode::CANCELLED:
      if (!cancelled_ && IsFromShutdown(status.error_message())) {
        return status::BackendUnavailable();
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

void Forwarding::TellChange(const grpc::Status& status, const grpc::ByteBuffer& answer) const {
  const auto organization = ChangedOrganization(method_.path, status, answer, record_.caller());
  if (organization.has_value()) to_.on_change(*organization);
}

grpc::Status Forwarding::Close(const grpc::Status& status) {
  const absl::Status without = WithoutAnswer(status);
  if (place_.has_value() && absl::IsUnavailable(without)) place_->Failed();
  place_.reset();
  // The client may be slow to take its answer.
  auto on_its_way = std::exchange(on_its_way_, std::nullopt);
  if (!without.ok()) {
    log::Debug("backend_gave_no_answer", {{"method", method_.path},
                                          {"request_id", record_.request_id()},
                                          {"message", status.error_message()}});
    return record_.Close(without);
  }
  // An error without initial metadata stays trailers-only, so that clients retry it.
  if (status.ok() || !backend_context_->GetServerInitialMetadata().empty()) PassInitialMetadata();
  PassTrailers();
  if (status.error_code() > grpc::StatusCode::UNAUTHENTICATED) {
    grpc::Status unknown(grpc::StatusCode::UNKNOWN, status.error_message());
    record_.CloseWith(unknown);
    return unknown;
  }
  const std::string reason = ReasonOf(status);
  if (on_its_way.has_value() && reason == kOverloaded &&
      record_.deadline() - absl::Now() >= kPatience) {
    on_its_way->Refused();
  }
  record_.CloseWith(status, reason);
  return status;
}

}  // namespace alma::gateway
