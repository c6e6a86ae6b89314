#include <charconv>
#include <chrono>
#include <system_error>
#include <utility>
#include <variant>

#include "common/db/session.h"
#include "common/text/json.h"
#include "common/text/timestamp.h"

namespace alma::db {

std::string_view Row::Text() {
  const auto* text = std::get_if<std::string_view>(&columns_[next_++]);
  failed_ |= text == nullptr;
  return text == nullptr ? std::string_view() : *text;
}

int64_t Row::Int64() {
  if (const auto* number = std::get_if<int64_t>(&columns_[next_])) {
    ++next_;
    return *number;
  }
  int64_t number = 0;
  const std::string_view text = Text();
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  failed_ |= error != std::errc() || end != text.end();
  return number;
}

bool Row::Bool() {
  if (std::holds_alternative<int64_t>(columns_[next_])) {
    const int64_t number = Int64();
    failed_ |= number != 0 && number != 1;
    return number == 1;
  }
  const std::string_view text = Text();
  failed_ |= text != "t" && text != "f";
  return text == "t";
}

void Row::Time(google::protobuf::Timestamp* time) {
  if (const auto* micros =
          std::get_if<std::chrono::sys_time<std::chrono::microseconds>>(&columns_[next_])) {
    ++next_;
    failed_ |= !text::FromMicros(*micros, time);
  } else {
    failed_ |= !text::ParseTimestamp(Text(), time);
  }
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
  const bool null = std::holds_alternative<std::monostate>(columns_[next_]);
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
