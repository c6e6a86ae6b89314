#include "common/status/status.h"

#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "alma/errors/v1/error_reason.pb.h"
#include "common/status/details.h"
#include "common/wire/append.h"
#include "google/rpc/error_details.pb.h"

namespace alma::status {
namespace {

using errors::v1::ErrorReason;

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";

// The text also travels percent-encoded in a header of its own, beside the details.
constexpr std::size_t kMaxMessageBytes = 512;
constexpr std::size_t kMaxFieldBytes = 200;
constexpr std::size_t kMaxDescriptionBytes = 200;
// Leaves room for the text, ErrorInfo and the type URLs.
constexpr std::size_t kMaxBadRequestBytes = kMaxDetailsBytes - kMaxMessageBytes - 256;

// Tag and length, as long as details get.
constexpr std::size_t kMaxFieldHead = 4;
// ErrorInfo and RetryInfo.
constexpr std::size_t kUsualDetailsBytes = 192;

std::string Join(std::string_view a, std::string_view b) { return std::string(a).append(b); }

std::string Truncate(std::string_view utf8, std::size_t max_bytes) {
  if (utf8.size() <= max_bytes) return std::string(utf8);
  constexpr std::string_view kEllipsis = "…";
  std::size_t end = max_bytes - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xC0) == 0x80) --end;
  return Join(utf8.substr(0, end), kEllipsis);
}

std::string_view View(const absl::string_view& text) { return {text.data(), text.size()}; }

absl::Status Make(absl::StatusCode code, ErrorReason reason, const std::string& message) {
  absl::Status status(code, message);
  status.SetPayload(kErrorInfoUrl, ErrorInfoOf(reason));
  return status;
}

absl::Status WithMetadata(absl::Status status, std::string_view name, std::string_view value) {
  if (const auto payload = status.GetPayload(kErrorInfoUrl)) {
    std::string error_info(*payload);
    AppendMetadata(name, value, &error_info);
    status.SetPayload(kErrorInfoUrl, absl::Cord(error_info));
  }
  return status;
}

absl::Status WithRetry(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryInfoUrl, absl::Cord(RetryInfoOf(delay)));
  return status;
}

google::rpc::BadRequest ListViolations(const std::vector<FieldViolation>& violations) {
  google::rpc::BadRequest bad_request;
  for (const FieldViolation& violation : violations) {
    if (bad_request.field_violations_size() == static_cast<int>(kMaxListedViolations)) break;
    auto* listed = bad_request.add_field_violations();
    listed->set_field(Truncate(violation.field, kMaxFieldBytes));
    listed->set_description(Truncate(violation.description, kMaxDescriptionBytes));
    if (bad_request.ByteSizeLong() > kMaxBadRequestBytes) {
      bad_request.mutable_field_violations()->RemoveLast();
      break;
    }
  }
  return bad_request;
}

void AppendDetail(std::string_view url, std::string_view value, std::string* rpc_status) {
  std::string any;
  any.reserve(url.size() + value.size() + 2 * kMaxFieldHead);
  wire::AppendBytes(google::protobuf::Any::kTypeUrlFieldNumber, url, &any);
  wire::AppendBytes(google::protobuf::Any::kValueFieldNumber, value, &any);
  wire::AppendBytes(google::rpc::Status::kDetailsFieldNumber, any, rpc_status);
}

// The serialized google.rpc.Status of an error that this file made.
std::string Serialize(const absl::Status& status, std::string_view message) {
  std::string rpc_status;
  rpc_status.reserve(message.size() + kUsualDetailsBytes);
  wire::AppendNumber(google::rpc::Status::kCodeFieldNumber, static_cast<int>(status.code()),
                     &rpc_status);
  if (!message.empty()) {
    wire::AppendBytes(google::rpc::Status::kMessageFieldNumber, message, &rpc_status);
  }
  for (const char* url : {kErrorInfoUrl, kBadRequestUrl, kRetryInfoUrl}) {
    absl::optional<absl::Cord> payload = status.GetPayload(url);
    if (!payload) continue;
    const std::size_t size = rpc_status.size();
    AppendDetail(url, View(payload->Flatten()), &rpc_status);
    if (rpc_status.size() > kMaxDetailsBytes) rpc_status.resize(size);
  }
  return rpc_status;
}

}  // namespace

absl::Status FieldsInvalid(const std::vector<FieldViolation>& violations, std::size_t unlisted) {
  const google::rpc::BadRequest bad_request = ListViolations(violations);
  const std::size_t listed = bad_request.field_violations_size();
  const std::size_t total = violations.size() + unlisted;
  const auto& first = bad_request.field_violations(0);
  std::string message = first.field() + ": " + first.description();
  if (total > 1) {
    message += " (and " + std::to_string(total - 1) + " more";
    if (total > listed) message += ", " + std::to_string(total - listed) + " not listed";
    message += ")";
  }
  absl::Status status =
      Make(absl::StatusCode::kInvalidArgument, ErrorReason::ERROR_REASON_FIELD_INVALID, message);
  status.SetPayload(kBadRequestUrl, absl::Cord(bad_request.SerializeAsString()));
  return status;
}

absl::Status MalformedRequest() {
  return Make(absl::StatusCode::kInvalidArgument, ErrorReason::ERROR_REASON_MALFORMED_REQUEST,
              "the request cannot be parsed");
}

absl::Status RequestTooLarge() {
  return Make(absl::StatusCode::kResourceExhausted, ErrorReason::ERROR_REASON_MALFORMED_REQUEST,
              "the request is too large");
}

absl::Status PageTokenInvalid() {
  absl::Status status =
      Make(absl::StatusCode::kInvalidArgument, ErrorReason::ERROR_REASON_PAGE_TOKEN_INVALID,
           "page_token: is not a token of this list");
  const google::rpc::BadRequest bad_request =
      ListViolations({{"page_token", "is not a token of this list"}});
  status.SetPayload(kBadRequestUrl, absl::Cord(bad_request.SerializeAsString()));
  return status;
}

absl::Status ApiKeyInvalid() {
  static const auto* const made = new absl::Status(Make(absl::StatusCode::kUnauthenticated,
                                                        ErrorReason::ERROR_REASON_API_KEY_INVALID,
                                                        "the API key is missing or not valid"));
  return *made;
}

absl::Status ScopeMissing(std::string_view scope) {
  return WithMetadata(
      Make(absl::StatusCode::kPermissionDenied, ErrorReason::ERROR_REASON_SCOPE_MISSING,
           Join("the API key lacks the scope ", scope)),
      "scope", scope);
}

absl::Status NotFound(std::string_view resource) {
  return Make(absl::StatusCode::kNotFound, ErrorReason::ERROR_REASON_NOT_FOUND,
              Join("no such ", resource));
}

absl::Status AlreadyExists(std::string_view resource) {
  return Make(absl::StatusCode::kAlreadyExists, ErrorReason::ERROR_REASON_ALREADY_EXISTS,
              Join(resource, " already exists with other content"));
}

absl::Status RevisionStale(std::string_view resource) {
  return Make(absl::StatusCode::kAborted, ErrorReason::ERROR_REASON_REVISION_STALE,
              Join(resource, " has changed since the given revision"));
}

absl::Status CreateOfDeleted(std::string_view resource) {
  return Make(absl::StatusCode::kAlreadyExists, ErrorReason::ERROR_REASON_DELETED,
              Join(resource, " existed and is deleted"));
}

absl::Status UpdateOfDeleted(std::string_view resource) {
  return Make(absl::StatusCode::kFailedPrecondition, ErrorReason::ERROR_REASON_DELETED,
              Join(resource, " is deleted"));
}

absl::Status UpdateOfEndedApiKey() {
  return Make(absl::StatusCode::kFailedPrecondition, ErrorReason::ERROR_REASON_DELETED,
              "API key is revoked or has expired");
}

absl::Status RateLimited(absl::Duration retry_delay) {
  return WithRetry(Make(absl::StatusCode::kResourceExhausted,
                        ErrorReason::ERROR_REASON_RATE_LIMITED, "too many calls with this API key"),
                   retry_delay);
}

absl::Status TooManyAtATime(absl::Duration retry_delay) {
  return WithRetry(
      Make(absl::StatusCode::kResourceExhausted, ErrorReason::ERROR_REASON_RATE_LIMITED,
           "too many calls of this organization at a time"),
      retry_delay);
}

absl::Status Overloaded(absl::Duration retry_delay) {
  return WithRetry(Make(absl::StatusCode::kResourceExhausted, ErrorReason::ERROR_REASON_OVERLOADED,
                        "the server is overloaded"),
                   retry_delay);
}

absl::Status DeadlineTooShort() {
  return Make(absl::StatusCode::kDeadlineExceeded, ErrorReason::ERROR_REASON_DEADLINE_TOO_SHORT,
              "the deadline is too short to begin the call");
}

absl::Status DeadlineExceeded() {
  return Make(absl::StatusCode::kDeadlineExceeded, ErrorReason::ERROR_REASON_DEADLINE_EXCEEDED,
              "the deadline passed before the call was done");
}

absl::Status DatabaseUnavailable() {
  return WithRetry(
      Make(absl::StatusCode::kUnavailable, ErrorReason::ERROR_REASON_DATABASE_UNAVAILABLE,
           "the database is unavailable"),
      absl::Seconds(1));
}

absl::Status BackendUnavailable() {
  return WithRetry(
      Make(absl::StatusCode::kUnavailable, ErrorReason::ERROR_REASON_DATABASE_UNAVAILABLE,
           "the service is unavailable"),
      absl::Seconds(1));
}

absl::Status DatabaseFull() {
  return Make(absl::StatusCode::kResourceExhausted, ErrorReason::ERROR_REASON_DATABASE_FULL,
              "the database is full");
}

absl::Status Internal() {
  return Make(absl::StatusCode::kInternal, ErrorReason::ERROR_REASON_INTERNAL, "internal error");
}

absl::Status MethodUnimplemented() {
  return Make(absl::StatusCode::kUnimplemented, ErrorReason::ERROR_REASON_METHOD_UNIMPLEMENTED,
              "this method cannot be called with an API key");
}

absl::Status AtItem(const absl::Status& status, std::string_view item) {
  absl::Status result(status.code(), Join(Join(item, ": "), std::string(status.message())));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return WithMetadata(std::move(result), "item", item);
}

std::string_view Reason(const absl::Status& status) {
  absl::optional<absl::Cord> payload = status.GetPayload(kErrorInfoUrl);
  return payload ? ReasonIn(View(payload->Flatten())) : std::string_view();
}

std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryInfoUrl);
  return payload ? DelayIn(std::string(*payload)) : std::nullopt;
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status rpc_status;
  rpc_status.ParseFromString(ToGrpcStatus(status).error_details());
  return rpc_status;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (Reason(status).empty()) return ToGrpcStatus(Internal());
  const std::string message = Truncate(View(status.message()), kMaxMessageBytes);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      Serialize(status, message));
}

std::string_view CodeName(grpc::StatusCode code) {
  static constexpr std::string_view kNames[] = {"OK",
                                                "CANCELLED",
                                                "UNKNOWN",
                                                "INVALID_ARGUMENT",
                                                "DEADLINE_EXCEEDED",
                                                "NOT_FOUND",
                                                "ALREADY_EXISTS",
                                                "PERMISSION_DENIED",
                                                "RESOURCE_EXHAUSTED",
                                                "FAILED_PRECONDITION",
                                                "ABORTED",
                                                "OUT_OF_RANGE",
                                                "UNIMPLEMENTED",
                                                "INTERNAL",
                                                "UNAVAILABLE",
                                                "DATA_LOSS",
                                                "UNAUTHENTICATED"};
  return kNames[code];
}

}  // namespace alma::status
