#include "common/text/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "common/log/json_string.h"
#include "common/status/macros.h"

namespace alma::text {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

// Above this, doubles are no longer every integer, and the shortest form may need an exponent.
constexpr double kMaxPlainInteger = 9007199254740992.0;  // 2^53

absl::Status AppendNumber(double number, std::string* json) {
  if (!std::isfinite(number)) return absl::InvalidArgumentError("JSON has only finite numbers");
  char digits[32];
  char* const end = std::end(digits);
  const bool integer = std::fabs(number) <= kMaxPlainInteger && number == std::trunc(number);
  const std::to_chars_result result =
      integer ? std::to_chars(digits, end, static_cast<std::int64_t>(number))
              : std::to_chars(digits, end, number);
  json->append(digits, result.ptr);
  return absl::OkStatus();
}

absl::Status AppendValue(const Value& value, std::string* json);

absl::Status AppendObject(const Struct& object, std::string* json) {
  std::vector<std::pair<std::string_view, const Value*>> members;
  members.reserve(object.fields_size());
  for (const auto& [key, value] : object.fields()) members.emplace_back(key, &value);
  std::sort(members.begin(), members.end());
  char separator = '{';
  for (const auto& [key, value] : members) {
    *json += separator;
    separator = ',';
    log::AppendJsonString(key, json);
    *json += ':';
    RETURN_IF_ERROR(AppendValue(*value, json));
  }
  *json += members.empty() ? "{}" : "}";
  return absl::OkStatus();
}

absl::Status AppendArray(const ListValue& array, std::string* json) {
  char separator = '[';
  for (const Value& value : array.values()) {
    *json += separator;
    separator = ',';
    RETURN_IF_ERROR(AppendValue(value, json));
  }
  *json += array.values().empty() ? "[]" : "]";
  return absl::OkStatus();
}

absl::Status AppendValue(const Value& value, std::string* json) {
  switch (value.kind_case()) {
    case Value::kNullValue:
      *json += "null";
      return absl::OkStatus();
    case Value::kBoolValue:
      *json += value.bool_value() ? "true" : "false";
      return absl::OkStatus();
    case Value::kNumberValue:
      return AppendNumber(value.number_value(), json);
    case Value::kStringValue:
      log::AppendJsonString(value.string_value(), json);
      return absl::OkStatus();
    case Value::kListValue:
      return AppendArray(value.list_value(), json);
    case Value::kStructValue:
      return AppendObject(value.struct_value(), json);
    case Value::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a Value without a kind has no JSON");
}

bool ValueEquals(const Value& a, const Value& b) {
  if (a.kind_case() != b.kind_case()) return false;
  switch (a.kind_case()) {
    case Value::kBoolValue:
      return a.bool_value() == b.bool_value();
    case Value::kNumberValue:
      return a.number_value() == b.number_value();
    case Value::kStringValue:
      return a.string_value() == b.string_value();
    case Value::kStructValue:
      return StructEquals(a.struct_value(), b.struct_value());
    case Value::kListValue:
      return std::equal(a.list_value().values().begin(), a.list_value().values().end(),
                        b.list_value().values().begin(), b.list_value().values().end(),
                        ValueEquals);
    case Value::kNullValue:
    case Value::KIND_NOT_SET:
      break;
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> StructToJson(const Struct& value) {
  std::string json;
  RETURN_IF_ERROR(AppendObject(value, &json));
  return json;
}

std::string TextsToJson(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::string json;
  char separator = '[';
  for (const std::string& text : texts) {
    json += separator;
    separator = ',';
    log::AppendJsonString(text, &json);
  }
  json += texts.empty() ? "[]" : "]";
  return json;
}

bool StructEquals(const Struct& a, const Struct& b) {
  if (a.fields_size() != b.fields_size()) return false;
  for (const auto& [key, value] : a.fields()) {
    const auto other = b.fields().find(key);
    if (other == b.fields().end() || !ValueEquals(value, other->second)) return false;
  }
  return true;
}

}  // namespace alma::text
