#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "alma/errors/v1/error_reason.pb.h"

// Details of our own errors as the bytes that a call is answered with, so that a refusal builds and
// parses as little as can be.
namespace alma::status {

// google.rpc.ErrorInfo with this reason, the domain "alma" and nothing else.
const absl::Cord& ErrorInfoOf(errors::v1::ErrorReason reason);

// Adds an entry to its metadata, instead of one that it has under this name. Both are valid UTF-8.
void AppendMetadata(std::string_view name, std::string_view value, std::string* error_info);

// The reason, such as "NOT_FOUND", in what these two made; "" in all else. Valid for the life of
// the process.
std::string_view ReasonIn(std::string_view error_info);

// google.rpc.RetryInfo; less than nothing counts as nothing.
std::string RetryInfoOf(absl::Duration delay);

// nullopt for what is no google.rpc.RetryInfo.
std::optional<absl::Duration> DelayIn(const std::string& retry_info);

}  // namespace alma::status
