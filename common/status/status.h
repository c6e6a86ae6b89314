#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

// Every error that a client can see is made by a function of this header. Each one carries
// google.rpc.ErrorInfo (domain "alma", reason = the name in alma.errors.v1.ErrorReason without
// "ERROR_REASON_") as a payload of the absl::Status; other details ride next to it.
//
// `resource` is the word for the kind of thing, such as "conversation", never an id: texts are
// identical for a row that is absent and for a row of another organization.
//
// A status made in any other way (absl::InternalError, a library's status) is taken as unexpected:
// its text is for the log only, and the client is told INTERNAL.
namespace alma::status {

// One violated field; `field` is its path from the request, such as "messages[17].content".
// Both must be valid UTF-8.
struct FieldViolation {
  std::string field;
  std::string description;
};

// How many violations an error lists at most.
inline constexpr std::size_t kMaxListedViolations = 16;

// What the serialized google.rpc.Status of an error takes at most, in bytes: clients drop metadata
// beyond 8 KiB, and details travel there as base64.
inline constexpr std::size_t kMaxDetailsBytes = 4096;

// INVALID_ARGUMENT, reason FIELD_INVALID, with google.rpc.BadRequest. The text is the first
// violation and how many more there are. Lists the first 16, or fewer where long paths would break
// kMaxDetailsBytes; `unlisted` counts violations that the caller did not keep.
// `violations` must not be empty.
absl::Status FieldsInvalid(const std::vector<FieldViolation>& violations, std::size_t unlisted = 0);

absl::Status MalformedRequest();                        // INVALID_ARGUMENT, MALFORMED_REQUEST
absl::Status RequestTooLarge();                         // RESOURCE_EXHAUSTED, MALFORMED_REQUEST
absl::Status PageTokenInvalid();                        // INVALID_ARGUMENT, PAGE_TOKEN_INVALID
absl::Status ApiKeyInvalid();                           // UNAUTHENTICATED, API_KEY_INVALID
absl::Status ScopeMissing(std::string_view scope);      // PERMISSION_DENIED, SCOPE_MISSING
absl::Status NotFound(std::string_view resource);       // NOT_FOUND, NOT_FOUND
absl::Status AlreadyExists(std::string_view resource);  // ALREADY_EXISTS, ALREADY_EXISTS
absl::Status RevisionStale(std::string_view resource);  // ABORTED, REVISION_STALE

// A create that names a tombstone: ALREADY_EXISTS, DELETED.
absl::Status CreateOfDeleted(std::string_view resource);
// An update of a tombstone: FAILED_PRECONDITION, DELETED.
absl::Status UpdateOfDeleted(std::string_view resource);
// The same of an API key that is revoked or has expired.
absl::Status UpdateOfEndedApiKey();

// RESOURCE_EXHAUSTED with google.rpc.RetryInfo. RATE_LIMITED: the key's own limit, and that of the
// organization's calls at a time; OVERLOADED: the server's.
absl::Status RateLimited(absl::Duration retry_delay);
absl::Status TooManyAtATime(absl::Duration retry_delay);
absl::Status Overloaded(absl::Duration retry_delay);

// DEADLINE_EXCEEDED, reason DEADLINE_TOO_SHORT: refused before any work began.
absl::Status DeadlineTooShort();
// DEADLINE_EXCEEDED, reason DEADLINE_EXCEEDED: ran out during the work; a write may have happened.
absl::Status DeadlineExceeded();

absl::Status DatabaseUnavailable();  // UNAVAILABLE, DATABASE_UNAVAILABLE, RetryInfo of one second
// The service behind a gateway cannot be reached, or the connection to it broke. As above.
absl::Status BackendUnavailable();
absl::Status DatabaseFull();         // RESOURCE_EXHAUSTED, DATABASE_FULL
absl::Status Internal();             // INTERNAL, INTERNAL; the cause belongs in the log
absl::Status MethodUnimplemented();  // UNIMPLEMENTED, METHOD_UNIMPLEMENTED

// The same error, said of one item of a batch: `item`, such as "messages[17]", leads the text and
// stands in ErrorInfo's metadata as "item".
absl::Status AtItem(const absl::Status& status, std::string_view item);

// The reason in the status' ErrorInfo, for logs and metrics; "" for OK and for unexpected statuses.
// Valid for the life of the process.
std::string_view Reason(const absl::Status& status);

// What the status' RetryInfo says; nothing where it has none.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

// The one translation for the wire. Unexpected statuses become Internal(). The serialized
// google.rpc.Status is at most kMaxDetailsBytes: details that do not fit are dropped from the end,
// never ErrorInfo.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same as a call's final status, google.rpc.Status in error_details(): the cheaper one, which
// parses nothing.
grpc::Status ToGrpcStatus(const absl::Status& status);

// gRPC's own name of a status code, such as "NOT_FOUND".
std::string_view CodeName(grpc::StatusCode code);

}  // namespace alma::status
