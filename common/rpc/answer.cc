#include "common/rpc/answer.h"

#include <algorithm>

#include <grpc/support/time.h>

#include "absl/time/clock.h"
#include "common/auth/scopes.h"
#include "common/id/uuid.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::rpc {
namespace {

constexpr char kRequestId[] = "x-request-id";
constexpr char kTraceParent[] = "traceparent";
constexpr size_t kMaxIdLength = 128;
constexpr absl::Duration kRetryOverload = absl::Milliseconds(100);

// The value of a metadata entry that is passed on and returned: at most 128 visible ASCII
// characters, else nothing.
std::string PassedOn(const Metadata& metadata, const char* key) {
  const auto entry = metadata.find(key);
  if (entry == metadata.end()) return {};
  const grpc::string_ref value = entry->second;
  const bool visible =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return visible && value.size() <= kMaxIdLength ? std::string(value.data(), value.size())
                                                 : std::string();
}

std::string RequestId(const Metadata& metadata) {
  std::string given = PassedOn(metadata, kRequestId);
  return given.empty() ? id::NewUuid() : given;
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

grpc::ServerUnaryReactor* Answer::Begin(const Service::Method& method, Runtime& runtime,
                                        grpc::CallbackServerContext& context,
                                        const grpc::ByteBuffer& in, grpc::ByteBuffer* out) {
  auto* answer = new Answer(method, runtime, context, in, out);
  grpc::ServerUnaryReactor* const reactor = answer->reactor_;
  const bool hidden = method.scope == auth::kInternal && !runtime.callers.MayBeInternal();
  if (method.handler == nullptr || hidden) {
    answer->Finish(status::MethodUnimplemented());
  } else if (!runtime.workers.Submit([answer] { answer->Run(); })) {
    answer->Finish(status::Overloaded(kRetryOverload));
  }
  return reactor;
}

Answer::Answer(const Service::Method& method, Runtime& runtime,
               grpc::CallbackServerContext& context, const grpc::ByteBuffer& in,
               grpc::ByteBuffer* out)
    : method_(method),
      runtime_(runtime),
      context_(context),
      in_(in),
      out_(out),
      reactor_(context.DefaultReactor()),
      begun_(absl::Now()),
      deadline_(Deadline(context, runtime.default_deadline)),
      request_id_(RequestId(context.client_metadata())) {}

void Answer::Run() {
  absl::Status status;
  try {
    status = Handle();
  } catch (...) {
    // Its text may hold what a row holds.
    log::Error("unexpected_exception", {{"method", method_.path}, {"request_id", request_id_}});
    status = status::Internal();
  }
  Finish(status);
}

absl::Status Answer::Handle() {
  // Nobody waits for the answer any more.
  if (context_.IsCancelled() || absl::Now() >= deadline_) return status::DeadlineTooShort();
  ASSIGN_OR_RETURN(caller_, runtime_.callers.Resolve(context_.client_metadata(), deadline_));
  RETURN_IF_ERROR(CheckScope(caller_, method_.scope));
  return method_.handler(Call{caller_, deadline_}, in_, out_);
}

void Answer::ReturnMetadata(bool in_trailers) {
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    in_trailers ? context_.AddTrailingMetadata(key, value)
                : context_.AddInitialMetadata(key, value);
  };
  add(kRequestId, request_id_);
  add(kTraceParent, PassedOn(context_.client_metadata(), kTraceParent));
}

void Answer::Finish(const absl::Status& status) {
  const grpc::Status final_status = status::ToGrpcStatus(status);
  // Initial metadata of its own would keep an error from being trailers-only, and with that clients
  // from retrying it.
  ReturnMetadata(/*in_trailers=*/!final_status.ok());
  const absl::Duration elapsed = absl::Now() - begun_;
  method_.metrics->Record(final_status.error_code(), elapsed);
  log::Info("call", {{"method", method_.path},
                     {"code", status::CodeName(final_status.error_code())},
                     {"reason", status::Reason(status)},
                     {"organization", caller_.organization_uuid()},
                     {"api_key_uuid", caller_.api_key_uuid()},
                     {"request_id", request_id_},
                     {"micros", absl::ToInt64Microseconds(elapsed)}});
  if (status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown) {
    log::Error("internal_error", {{"method", method_.path}, {"request_id", request_id_}});
  }
  reactor_->Finish(final_status);
  delete this;
}

}  // namespace alma::rpc
