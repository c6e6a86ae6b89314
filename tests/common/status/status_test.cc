#include "common/status/status.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "catch2/catch.hpp"
#include "common/text/utf8.h"
#include "google/rpc/error_details.pb.h"

namespace alma::status {
namespace {

template <typename Detail>
std::optional<Detail> FindDetail(const google::rpc::Status& status) {
  for (const google::protobuf::Any& any : status.details()) {
    Detail detail;
    if (any.Is<Detail>() && any.UnpackTo(&detail)) return detail;
  }
  return std::nullopt;
}

google::rpc::Status Details(const absl::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(ToGrpcStatus(status).error_details()));
  return details;
}

struct Case {
  absl::Status status;
  grpc::StatusCode code;
  std::string reason;
  std::string message;
};

std::vector<Case> EveryError() {
  return {
      {FieldsInvalid({{"message.content", "must not be empty"}}), grpc::INVALID_ARGUMENT,
       "FIELD_INVALID", "message.content: must not be empty"},
      {MalformedRequest(), grpc::INVALID_ARGUMENT, "MALFORMED_REQUEST",
       "the request cannot be parsed"},
      {PageTokenInvalid(), grpc::INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
       "page_token: is not a token of this list"},
      {ApiKeyInvalid(), grpc::UNAUTHENTICATED, "API_KEY_INVALID",
       "the API key is missing or not valid"},
      {ScopeMissing("agents.read"), grpc::PERMISSION_DENIED, "SCOPE_MISSING",
       "the API key lacks the scope agents.read"},
      {NotFound("conversation"), grpc::NOT_FOUND, "NOT_FOUND", "no such conversation"},
      {AlreadyExists("agent"), grpc::ALREADY_EXISTS, "ALREADY_EXISTS",
       "agent already exists with other content"},
      {RevisionStale("agent"), grpc::ABORTED, "REVISION_STALE",
       "agent has changed since the given revision"},
      {CreateOfDeleted("agent"), grpc::ALREADY_EXISTS, "DELETED", "agent existed and is deleted"},
      {UpdateOfDeleted("agent"), grpc::FAILED_PRECONDITION, "DELETED", "agent is deleted"},
      {UpdateOfEndedApiKey(), grpc::FAILED_PRECONDITION, "DELETED",
       "API key is revoked or has expired"},
      {RateLimited(absl::Seconds(1)), grpc::RESOURCE_EXHAUSTED, "RATE_LIMITED",
       "too many calls with this API key"},
      {Overloaded(absl::Seconds(1)), grpc::RESOURCE_EXHAUSTED, "OVERLOADED",
       "the server is overloaded"},
      {DeadlineTooShort(), grpc::DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT",
       "the deadline is too short to begin the call"},
      {DeadlineExceeded(), grpc::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
       "the deadline passed before the call was done"},
      {DatabaseUnavailable(), grpc::UNAVAILABLE, "DATABASE_UNAVAILABLE",
       "the database is unavailable"},
      {BackendUnavailable(), grpc::UNAVAILABLE, "DATABASE_UNAVAILABLE",
       "the service is unavailable"},
      {DatabaseFull(), grpc::RESOURCE_EXHAUSTED, "DATABASE_FULL", "the database is full"},
      {Internal(), grpc::INTERNAL, "INTERNAL", "internal error"},
      {MethodUnimplemented(), grpc::UNIMPLEMENTED, "METHOD_UNIMPLEMENTED",
       "this method cannot be called with an API key"},
  };
}

TEST_CASE("every error carries its code and text and ErrorInfo") {
  for (const Case& expected : EveryError()) {
    INFO(expected.reason);
    const grpc::Status status = ToGrpcStatus(expected.status);
    CHECK(status.error_code() == expected.code);
    CHECK(status.error_message() == expected.message);
    CHECK(Reason(expected.status) == expected.reason);
    const google::rpc::Status details = Details(expected.status);
    CHECK(details.code() == expected.code);
    CHECK(details.message() == expected.message);
    const auto info = FindDetail<google::rpc::ErrorInfo>(details);
    REQUIRE(info);
    CHECK(info->reason() == expected.reason);
    CHECK(info->domain() == "alma");
    CHECK(ToRpcStatus(expected.status).SerializeAsString() == status.error_details());
  }
}

// What protobuf itself writes for an error with these details.
std::string Written(const grpc::Status& sent, const google::rpc::ErrorInfo& info,
                    const std::optional<google::rpc::RetryInfo>& retry) {
  google::rpc::Status rpc_status;
  rpc_status.set_code(sent.error_code());
  rpc_status.set_message(sent.error_message());
  rpc_status.add_details()->PackFrom(info);
  if (retry) rpc_status.add_details()->PackFrom(*retry);
  return rpc_status.SerializeAsString();
}

TEST_CASE("the details of an error are the bytes that protobuf writes for them") {
  for (const Case& expected : EveryError()) {
    const google::rpc::Status details = Details(expected.status);
    // Bytes of a BadRequest come from protobuf anyway.
    if (FindDetail<google::rpc::BadRequest>(details)) continue;
    INFO(expected.reason);
    google::rpc::ErrorInfo info;
    info.set_reason(expected.reason);
    info.set_domain("alma");
    if (expected.reason == "SCOPE_MISSING") (*info.mutable_metadata())["scope"] = "agents.read";
    const grpc::Status sent = ToGrpcStatus(expected.status);
    CHECK(sent.error_details() == Written(sent, info, FindDetail<google::rpc::RetryInfo>(details)));
  }
}

TEST_CASE("a delay is written as protobuf writes it") {
  for (const absl::Duration delay :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(999), absl::Seconds(1),
        absl::Milliseconds(1250), absl::Hours(24) + absl::Nanoseconds(999'999'999)}) {
    INFO(delay);
    google::rpc::ErrorInfo info;
    info.set_reason("OVERLOADED");
    info.set_domain("alma");
    google::rpc::RetryInfo retry;
    google::protobuf::Duration& told = *retry.mutable_retry_delay();
    told.set_seconds(absl::ToInt64Seconds(delay));
    told.set_nanos(
        static_cast<int>((delay - absl::Seconds(told.seconds())) / absl::Nanoseconds(1)));
    const grpc::Status sent = ToGrpcStatus(Overloaded(delay));
    CHECK(sent.error_details() == Written(sent, info, retry));
    CHECK(RetryDelay(Overloaded(delay)) == delay);
  }
}

TEST_CASE("an error of an item names the item beside what the error said") {
  const auto info = FindDetail<google::rpc::ErrorInfo>(
      Details(AtItem(ScopeMissing("agents.write"), "messages[17]")));
  REQUIRE(info);
  CHECK(info->reason() == "SCOPE_MISSING");
  CHECK(info->domain() == "alma");
  CHECK(info->metadata().at("scope") == "agents.write");
  CHECK(info->metadata().at("item") == "messages[17]");
  const absl::Status outer = AtItem(AtItem(NotFound("message"), "messages[1]"), "batches[2]");
  CHECK(FindDetail<google::rpc::ErrorInfo>(Details(outer))->metadata().at("item") == "batches[2]");
  CHECK(RetryDelay(AtItem(Overloaded(absl::Seconds(3)), "messages[17]")) == absl::Seconds(3));
  CHECK(Reason(AtItem(absl::CancelledError(), "messages[17]")).empty());
}

TEST_CASE("OK stays OK without details") {
  CHECK(ToGrpcStatus(absl::OkStatus()).ok());
  CHECK(ToGrpcStatus(absl::OkStatus()).error_details().empty());
  CHECK(ToRpcStatus(absl::OkStatus()).ByteSizeLong() == 0);
  CHECK(Reason(absl::OkStatus()).empty());
}

TEST_CASE("an unexpected status becomes INTERNAL and its text stays inside") {
  absl::Status foreign = absl::NotFoundError("select secret from t");
  google::rpc::ErrorInfo info;
  info.set_reason("NOT_FOUND");
  info.set_domain("other");
  foreign.SetPayload("type.googleapis.com/google.rpc.ErrorInfo",
                     absl::Cord(info.SerializeAsString()));
  absl::Status garbage = absl::NotFoundError("select secret from t");
  garbage.SetPayload("type.googleapis.com/google.rpc.ErrorInfo", absl::Cord("\xFF\xFF"));
  for (const absl::Status& status :
       {absl::NotFoundError("select secret from t"), absl::CancelledError(), foreign, garbage}) {
    const grpc::Status sent = ToGrpcStatus(status);
    CHECK(sent.error_code() == grpc::INTERNAL);
    CHECK(sent.error_message() == "internal error");
    CHECK(sent.error_details().find("secret") == std::string::npos);
    CHECK(FindDetail<google::rpc::ErrorInfo>(Details(status))->reason() == "INTERNAL");
    CHECK(Reason(status).empty());
  }
}

TEST_CASE("a missing scope is named in the metadata") {
  const auto info = FindDetail<google::rpc::ErrorInfo>(Details(ScopeMissing("agents.write")));
  REQUIRE(info);
  CHECK(info->metadata().at("scope") == "agents.write");
}

TEST_CASE("RetryInfo tells how long to wait where waiting helps") {
  const auto delay = [](const absl::Status& status) {
    const auto retry = FindDetail<google::rpc::RetryInfo>(Details(status));
    REQUIRE(retry);
    return absl::Seconds(retry->retry_delay().seconds()) +
           absl::Nanoseconds(retry->retry_delay().nanos());
  };
  CHECK(delay(RateLimited(absl::Milliseconds(1250))) == absl::Milliseconds(1250));
  CHECK(delay(Overloaded(absl::Seconds(3))) == absl::Seconds(3));
  CHECK(delay(Overloaded(absl::Seconds(-3))) == absl::ZeroDuration());
  CHECK(RetryDelay(TooManyAtATime(absl::Milliseconds(1250))) == absl::Milliseconds(1250));
  CHECK_FALSE(RetryDelay(NotFound("message")).has_value());
  CHECK_FALSE(RetryDelay(absl::OkStatus()).has_value());
  CHECK(delay(DatabaseUnavailable()) == absl::Seconds(1));
  CHECK(delay(BackendUnavailable()) == absl::Seconds(1));
  CHECK_FALSE(FindDetail<google::rpc::RetryInfo>(Details(DatabaseFull())));
}

TEST_CASE("an invalid page token is a violation of page_token") {
  const auto bad_request = FindDetail<google::rpc::BadRequest>(Details(PageTokenInvalid()));
  REQUIRE(bad_request);
  REQUIRE(bad_request->field_violations_size() == 1);
  CHECK(bad_request->field_violations(0).field() == "page_token");
}

std::vector<FieldViolation> ManyViolations(int count, const std::string& field_end = "") {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < count; ++i) {
    violations.push_back({"messages[" + std::to_string(i) + "].content" + field_end, "is wrong"});
  }
  return violations;
}

TEST_CASE("violations are listed in order up to 16 and the text says how many more") {
  struct {
    int count;
    std::size_t unlisted;
    int listed;
    std::string message;
  } cases[] = {
      {1, 0, 1, "messages[0].content: is wrong"},
      {2, 0, 2, "messages[0].content: is wrong (and 1 more)"},
      {16, 0, 16, "messages[0].content: is wrong (and 15 more)"},
      {17, 0, 16, "messages[0].content: is wrong (and 16 more, 1 not listed)"},
      {16, 984, 16, "messages[0].content: is wrong (and 999 more, 984 not listed)"},
  };
  for (const auto& expected : cases) {
    const absl::Status status = FieldsInvalid(ManyViolations(expected.count), expected.unlisted);
    CHECK(ToGrpcStatus(status).error_message() == expected.message);
    const auto bad_request = FindDetail<google::rpc::BadRequest>(Details(status));
    REQUIRE(bad_request);
    REQUIRE(bad_request->field_violations_size() == expected.listed);
    for (int i = 0; i < expected.listed; ++i) {
      CHECK(bad_request->field_violations(i).field() ==
            "messages[" + std::to_string(i) + "].content");
      CHECK(bad_request->field_violations(i).description() == "is wrong");
    }
  }
}

TEST_CASE("sixteen huge violations fit into 4096 bytes and stay valid UTF-8") {
  // One to three bytes in front shift where the four-byte characters are cut.
  for (const std::string shift : {"", "a", "ab", "abc"}) {
    std::string huge = shift;
    for (int i = 0; i < 20'000; ++i) huge += "😀";
    std::vector<FieldViolation> violations(16, FieldViolation{huge, huge});
    const absl::Status status = FieldsInvalid(violations);
    const grpc::Status sent = ToGrpcStatus(status);
    CHECK(sent.error_details().size() <= kMaxDetailsBytes);
    CHECK(sent.error_message().size() <= 512);
    CHECK(text::CountCodePoints(sent.error_message()));
    const auto bad_request = FindDetail<google::rpc::BadRequest>(Details(status));
    REQUIRE(bad_request);
    const int listed = bad_request->field_violations_size();
    CHECK(listed >= 7);
    CHECK(listed < 16);
    CHECK(sent.error_message().find("(and 15 more, " + std::to_string(16 - listed) +
                                    " not listed)") != std::string::npos);
    for (const auto& violation : bad_request->field_violations()) {
      CHECK(text::CountCodePoints(violation.field()));
      CHECK(text::CountCodePoints(violation.description()));
      CHECK(violation.field().size() > 150);
      CHECK(violation.field().ends_with("…"));
    }
  }
}

TEST_CASE("a path of exactly the greatest length is kept whole") {
  const std::string path(200, 'a');
  const auto whole = FindDetail<google::rpc::BadRequest>(Details(FieldsInvalid({{path, "x"}})));
  CHECK(whole->field_violations(0).field() == path);
  const auto cut = FindDetail<google::rpc::BadRequest>(Details(FieldsInvalid({{path + "a", "x"}})));
  CHECK(cut->field_violations(0).field() == std::string(197, 'a') + "…");
}

TEST_CASE("texts and details from elsewhere are cut to 4096 bytes and ErrorInfo stays") {
  absl::Status status = NotFound(std::string(100'000, 'r'));
  status.SetPayload("type.googleapis.com/google.rpc.BadRequest",
                    absl::Cord(std::string(100'000, 'x')));
  const grpc::Status sent = ToGrpcStatus(status);
  CHECK(sent.error_message().size() == 512);
  CHECK(sent.error_details().size() <= kMaxDetailsBytes);
  const google::rpc::Status details = Details(status);
  CHECK(details.details_size() == 1);
  CHECK(FindDetail<google::rpc::ErrorInfo>(details)->reason() == "NOT_FOUND");
}

}  // namespace
}  // namespace alma::status
