#include <charconv>
#include <system_error>
#include <utility>

#include "common/db/session.h"
#include "common/text/json.h"
#include "common/text/timestamp.h"

namespace alma::db {

Param::Param(std::string_view name, const google::protobuf::Timestamp& time)
    : name_(name), value_(text::FormatTimestamp(time)) {}

Param::Param(std::string_view name, const google::protobuf::Struct& json)
    : name_(name), value_(text::StructToJson(json).value_or("{}")) {}

Param::Param(std::string_view name, const google::protobuf::RepeatedPtrField<std::string>& texts)
    : name_(name), value_(text::TextsToJson(texts)) {}

std::string_view Row::Text() {
  const ColumnText& text = columns_[next_++];
  failed_ |= !text.has_value();
  return text.value_or("");
}

int64_t Row::Int64() {
  int64_t number = 0;
  const std::string_view text = Text();
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  failed_ |= error != std::errc() || end != text.end();
  return number;
}

bool Row::Bool() {
  const std::string_view text = Text();
  const bool truth = text == "t" || text == "1";
  failed_ |= !truth && text != "f" && text != "0";
  return truth;
}

void Row::Time(google::protobuf::Timestamp* time) {
  failed_ |= !text::ParseTimestamp(Text(), time);
}

google::protobuf::Timestamp Row::Time() {
  google::protobuf::Timestamp time;
  Time(&time);
  return time;
}

google::protobuf::Struct Row::Json() {
  auto json = text::StructFromJson(Text());
  failed_ |= !json.ok();
  return std::move(json).value_or(google::protobuf::Struct());
}

google::protobuf::RepeatedPtrField<std::string> Row::Texts() {
  auto texts = text::TextsFromJson(OptionalText().value_or("[]"));
  failed_ |= !texts.ok();
  return std::move(texts).value_or(google::protobuf::RepeatedPtrField<std::string>());
}

bool Row::SkipNull() {
  const bool null = !columns_[next_].has_value();
  if (null) ++next_;
  return null;
}

std::optional<std::string_view> Row::OptionalText() {
  if (SkipNull()) return std::nullopt;
  return Text();
}

std::optional<int64_t> Row::OptionalInt64() {
  if (SkipNull()) return std::nullopt;
  return Int64();
}

std::optional<google::protobuf::Struct> Row::OptionalJson() {
  if (SkipNull()) return std::nullopt;
  return Json();
}

}  // namespace alma::db
