#pragma once

#include <string>
#include <string_view>

namespace alma::log {

// Appends `text` as a JSON string literal, quotes included. Bytes that are not ASCII are kept as
// they are, so the literal is valid JSON when `text` is valid UTF-8.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace alma::log
