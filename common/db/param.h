#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace alma::db {

// A value for the parameter `:name` of a statement. Uuids, timestamps and JSON travel as text on
// both engines.
class Param {
 public:
  Param(std::string_view name, std::string_view text) : name_(name), value_(std::string(text)) {}
  Param(std::string_view name, const char* text) : Param(name, std::string_view(text)) {}
  Param(std::string_view name, int64_t number) : name_(name), value_(number) {}
  Param(std::string_view name, int number) : Param(name, int64_t{number}) {}
  Param(std::string_view name, bool truth) : Param(name, int64_t{truth}) {}
  Param(std::string_view name, const google::protobuf::Timestamp& time);
  // Stored as compact JSON. A Struct that the text checks accepted always has one.
  Param(std::string_view name, const google::protobuf::Struct& json);
  // Stored as a JSON array.
  Param(std::string_view name, const google::protobuf::RepeatedPtrField<std::string>& texts);
  template <typename T>
  Param(std::string_view name, const std::optional<T>& value) : name_(name) {
    if (value.has_value()) *this = Param(name, *value);
  }
  static Param Null(std::string_view name) { return Param(name, std::optional<int64_t>()); }
  // The text, or null where it is empty.
  static Param TextOrNull(std::string_view name, std::string_view text) {
    return text.empty() ? Null(name) : Param(name, text);
  }

 private:
  friend class Prepared;
  std::string_view name_;
  std::variant<std::monostate, std::string, int64_t> value_;
};

using Params = absl::Span<const Param>;

}  // namespace alma::db
