#include "common/log/json_string.h"

#include "absl/strings/str_cat.h"

namespace alma::log {

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(out, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else {
      *out += c;
    }
  }
  *out += '"';
}

}  // namespace alma::log
