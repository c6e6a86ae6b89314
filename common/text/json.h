#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/struct.pb.h"

// google.protobuf.Struct, and lists of strings, as the text of a JSON column.
namespace alma::text {

// Compact JSON, the same text for equal values: keys in byte order, integral numbers up to 2^53
// without fraction or exponent, others in the shortest form that reads back to the same double.
// absl InvalidArgument for what JSON cannot say (NaN, infinity, a Value without a kind), which
// CheckStruct refuses beforehand.
absl::StatusOr<std::string> StructToJson(const google::protobuf::Struct& value);

// Reads a JSON object as StructToJson writes it and as PostgreSQL prints jsonb, where 1e300 has
// all its digits. The last of duplicate keys counts. absl InvalidArgument when `json` is no JSON
// object, nests deeper than 32 levels, or holds a number beyond a double.
absl::StatusOr<google::protobuf::Struct> StructFromJson(std::string_view json);

// A JSON array of strings, in their order. `texts` must be valid UTF-8.
std::string TextsToJson(const google::protobuf::RepeatedPtrField<std::string>& texts);

// Reads what TextsToJson writes and PostgreSQL prints of it. absl InvalidArgument when `json` is no
// JSON array of strings.
absl::StatusOr<google::protobuf::RepeatedPtrField<std::string>> TextsFromJson(
    std::string_view json);

// Equality by value: key order does not count, 0.0 equals -0.0.
bool StructEquals(const google::protobuf::Struct& a, const google::protobuf::Struct& b);

}  // namespace alma::text
