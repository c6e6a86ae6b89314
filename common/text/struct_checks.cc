#include <cmath>
#include <string>

#include "common/text/checks.h"
#include "common/text/json.h"
#include "common/text/utf8.h"

namespace alma::text {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

// Every integer up to here has a double of its own.
constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53

// What a byte of a serialized Struct takes in JSON at most: a control character as \u00XX.
constexpr std::size_t kMaxJsonBytesPerByte = 6;

const char* NumberError(double number) {
  if (!std::isfinite(number)) return "must be a finite number";
  if (std::fabs(number) > kMaxExactInteger && number == std::trunc(number)) {
    return "is an integer beyond 2^53, which a number cannot hold exactly: send it as a string";
  }
  return nullptr;
}

// Zeros behind the point of a small number when it is written without an exponent.
std::size_t LeadingZeros(double number) {
  if (number == 0.0 || !(std::fabs(number) < 1.0)) return 0;
  return static_cast<std::size_t>(-std::floor(std::log10(std::fabs(number))));
}

const char* TextError(std::string_view text) {
  if (!CountCodePoints(text)) return "must be valid UTF-8";
  if (text.find('\0') != std::string_view::npos) return "must not contain NUL";
  return nullptr;
}

// Walks a Struct depth first and knows the path of where it is.
class StructWalk {
 public:
  StructWalk(Violations& violations, std::string_view field)
      : violations_(violations), path_(field) {}

  bool found_any() const { return found_any_; }

  // What PostgreSQL's jsonb prints beyond our own JSON, in bytes: it knows no exponents.
  std::size_t leading_zeros() const { return leading_zeros_; }

  void Check(const Struct& object, int level) {
    if (TooDeep(level)) return;
    for (const auto& [key, value] : object.fields()) {
      if (TextError(key) != nullptr) {
        Report("has a key that is not valid UTF-8 or contains NUL");
        continue;
      }
      const std::size_t parent = path_.size();
      path_.append(".").append(key);
      Check(value, level);
      path_.resize(parent);
    }
  }

 private:
  void Check(const ListValue& list, int level) {
    if (TooDeep(level)) return;
    for (int i = 0; i < list.values_size(); ++i) {
      const std::size_t parent = path_.size();
      path_.append("[").append(std::to_string(i)).append("]");
      Check(list.values(i), level);
      path_.resize(parent);
    }
  }

  void Check(const Value& value, int level) {
    switch (value.kind_case()) {
      case Value::kStructValue:
        return Check(value.struct_value(), level + 1);
      case Value::kListValue:
        return Check(value.list_value(), level + 1);
      case Value::kNumberValue:
        leading_zeros_ += LeadingZeros(value.number_value());
        return Report(NumberError(value.number_value()));
      case Value::kStringValue:
        return Report(TextError(value.string_value()));
      case Value::kNullValue:
      case Value::kBoolValue:
        return;
      case Value::KIND_NOT_SET:
        return Report("must have a value");
    }
  }

  bool TooDeep(int level) {
    if (level <= kMaxStructLevels) return false;
    Report("is nested deeper than 16 levels");
    return true;
  }

  void Report(const char* error) {
    if (error == nullptr) return;
    found_any_ = true;
    violations_.Add(path_, error);
  }

  Violations& violations_;
  std::string path_;
  bool found_any_ = false;
  std::size_t leading_zeros_ = 0;
};

bool FitsAsJson(const Struct& value, std::size_t leading_zeros) {
  if (value.ByteSizeLong() * kMaxJsonBytesPerByte + 2 + leading_zeros <= kMaxStructBytes) {
    return true;
  }
  const absl::StatusOr<std::string> json = StructToJson(value);
  return json.ok() && json->size() + leading_zeros <= kMaxStructBytes;
}

void Normalize(Value* value) {
  if (value->kind_case() == Value::kNumberValue && value->number_value() == 0.0) {
    value->set_number_value(0.0);
  } else if (value->kind_case() == Value::kNullValue) {
    // An enum takes any number; JSON knows one null.
    value->set_null_value(google::protobuf::NULL_VALUE);
  } else if (value->kind_case() == Value::kStructValue) {
    NormalizeStruct(value->mutable_struct_value());
  } else if (value->kind_case() == Value::kListValue) {
    for (Value& item : *value->mutable_list_value()->mutable_values()) Normalize(&item);
  }
}

}  // namespace

bool CheckStruct(Violations& violations, std::string_view field, const Struct& value) {
  StructWalk walk(violations, field);
  walk.Check(value, 1);
  if (walk.found_any()) return false;
  if (FitsAsJson(value, walk.leading_zeros())) return true;
  violations.Add(field, "must take at most 64 KiB as JSON");
  return false;
}

void NormalizeStruct(Struct* value) {
  for (auto& [key, member] : *value->mutable_fields()) Normalize(&member);
}

}  // namespace alma::text
