#include "common/rpc/call_record.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <grpc/support/time.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/id/uuid.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::rpc {
namespace {

constexpr size_t kMaxIdLength = 128;
// gRPC's clients count a pushback from when they last read their clock, which may be some
// milliseconds ago.
constexpr absl::Duration kClockOfClients = absl::Milliseconds(10);

// The client's own where it gave one, of at most 128 visible ASCII characters.
std::string RequestId(const Metadata& metadata) {
  const auto [first, last] = metadata.equal_range(kRequestId);
  if (std::distance(first, last) != 1) return id::NewUuid();
  const grpc::string_ref value = first->second;
  const bool visible =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (value.empty() || !visible || value.size() > kMaxIdLength) return id::NewUuid();
  return {value.data(), value.size()};
}

absl::Time Deadline(const grpc::CallbackServerContext& context, absl::Duration default_deadline) {
  // context.deadline() counts nanoseconds and overflows for what a client may well send as "none".
  const gpr_timespec deadline = gpr_convert_clock_type(context.raw_deadline(), GPR_CLOCK_REALTIME);
  if (gpr_time_cmp(deadline, gpr_inf_future(GPR_CLOCK_REALTIME)) == 0) {
    return absl::Now() + default_deadline;
  }
  return absl::FromUnixSeconds(deadline.tv_sec) + absl::Nanoseconds(deadline.tv_nsec);
}

}  // namespace

CallRecord::CallRecord(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
                       absl::Duration default_deadline)
    : method_(method),
      runtime_(runtime),
      context_(context),
      begun_(absl::Now()),
      deadline_(Deadline(context, default_deadline)),
      request_id_(RequestId(context.client_metadata())),
      trace_(TraceOf(context.client_metadata())) {}

absl::Status CallRecord::CheckAwaited() const {
  if (absl::Now() >= deadline_) return status::DeadlineTooShort();
  return context_.IsCancelled() ? absl::CancelledError() : absl::OkStatus();
}

absl::Status CallRecord::AdmitCaller(absl::StatusOr<auth::SharedPrincipal> caller) {
  ASSIGN_OR_RETURN(caller_, std::move(caller));
  RETURN_IF_ERROR(CheckLimits());
  RETURN_IF_ERROR(CheckScope(*caller_, method_.scope));
  admitted_ = true;
  return absl::OkStatus();
}

absl::Status CallRecord::CheckLimits() {
  if (admitted_ || runtime_.limiter == nullptr) return absl::OkStatus();
  const auto refusal =
      runtime_.limiter->Admit(caller_->api_key_uuid(), caller_->organization_uuid(), &slot_);
  if (!refusal.has_value()) return absl::OkStatus();
  return refusal->limit == limit::Limiter::Refusal::Limit::kKeyRate
             ? status::RateLimited(refusal->retry_after)
             : status::TooManyAtATime(refusal->retry_after);
}

absl::Status CallRecord::Admit() {
  RETURN_IF_ERROR(CheckAwaited());
  if (admitted_ && !runtime_.callers.MayLoseAccess()) return absl::OkStatus();
  return AdmitCaller(runtime_.callers.Resolve(context_.client_metadata(), deadline_));
}

std::optional<absl::Status> CallRecord::TryAdmit() {
  if (absl::Status awaited = CheckAwaited(); !awaited.ok()) return awaited;
  auto caller = runtime_.callers.TryResolve(context_.client_metadata());
  if (!caller.has_value()) return std::nullopt;
  return AdmitCaller(*std::move(caller));
}

absl::Status CallRecord::CheckKnown() {
  if (!runtime_.callers.MayLoseAccess()) return CheckAwaited();
  return TryAdmit().value_or(absl::OkStatus());
}

std::string_view CallRecord::Writer() const {
  const bool writes = method_.scope.ends_with(".write") || method_.scope.ends_with(".admin");
  return writes ? std::string_view(caller().organization_uuid()) : std::string_view();
}

std::unique_ptr<auth::KeyWatch> CallRecord::WatchKey(
    const auth::KeyWatches::OnChecked& on_checked) const {
  return runtime_.callers.Watch(context_.client_metadata(), method_.scope, on_checked);
}

absl::Status CallRecord::Thrown() const {
  // The exception's own text may hold what a row holds.
  log::Error("unexpected_exception", {{"method", method_.path}, {"request_id", request_id_}});
  return status::Internal();
}

void CallRecord::SendInitialMetadata() {
  context_.AddInitialMetadata(kRequestId, request_id_);
  if (!trace_.parent.empty()) context_.AddInitialMetadata(kTraceParent, trace_.parent);
}

void CallRecord::PushBack(std::optional<absl::Duration> retry_delay) {
  if (!retry_delay.has_value()) return;
  const absl::Duration whole = absl::Ceil(*retry_delay + kClockOfClients, absl::Milliseconds(1));
  context_.AddTrailingMetadata(kRetryPushback, absl::StrCat(absl::ToInt64Milliseconds(whole)));
}

grpc::Status CallRecord::Close(const absl::Status& status) {
  grpc::Status final_status =
      absl::IsCancelled(status) ? grpc::Status::CANCELLED : status::ToGrpcStatus(status);
  if (absl::IsResourceExhausted(status)) PushBack(status::RetryDelay(status));
  CloseWith(final_status, status::Reason(status));
  return final_status;
}

void CallRecord::CloseWith(const grpc::Status& status, std::string_view reason) {
  // Before the client is told: its next call may come at once.
  slot_.Release();
  // Initial metadata of its own would keep an error from being trailers-only, and with that clients
  // from retrying it.
  if (!status.ok()) {
    context_.AddTrailingMetadata(kRequestId, request_id_);
    if (!trace_.parent.empty()) context_.AddTrailingMetadata(kTraceParent, trace_.parent);
  }
  const absl::Duration elapsed = absl::Now() - begun_;
  method_.metrics->Record(status.error_code(), elapsed);
  log::Info("call", {{"method", method_.path},
                     {"code", status::CodeName(status.error_code())},
                     {"reason", reason},
                     {"organization", caller().organization_uuid()},
                     {"api_key_uuid", caller().api_key_uuid()},
                     {"request_id", request_id_},
                     {"micros", absl::ToInt64Microseconds(elapsed)}});
}

}  // namespace alma::rpc
