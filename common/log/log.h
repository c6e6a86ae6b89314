#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

// One JSON object a line on stderr: {"time":…,"level":…,"event":…, fields}. Thread-safe.
// Never log a key, a principal, a connection string or what a row holds.
namespace alma::log {

class Field {
 public:
  Field(std::string_view name, std::string_view text) : name_(name), text_(text) {}
  Field(std::string_view name, const char* text) : name_(name), text_(text) {}
  Field(std::string_view name, const std::string& text) : name_(name), text_(text) {}
  Field(std::string_view name, int64_t number) : name_(name), number_(number) {}
  Field(std::string_view name, int number) : name_(name), number_(number) {}

  // Appends `"name":value`.
  void AppendTo(std::string* line) const;

 private:
  std::string_view name_;
  std::string_view text_;
  std::optional<int64_t> number_;
};

using Fields = std::initializer_list<Field>;

// Sends the process' lines from `level` (debug, info, warning, error, off) on to stderr; false when
// there is no such level. Call it before threads start.
bool SetUp(std::string_view level);

void Debug(std::string_view event, Fields fields);
void Info(std::string_view event, Fields fields);
void Warning(std::string_view event, Fields fields);
void Error(std::string_view event, Fields fields);

}  // namespace alma::log
