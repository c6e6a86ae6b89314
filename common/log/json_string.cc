#include "common/log/json_string.h"

#include "absl/strings/str_cat.h"

namespace alma::log {
namespace {

bool IsEscaped(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

}  // namespace

void AppendJsonString(std::string_view text, std::string* out) {
  *out += '"';
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (!IsEscaped(c)) continue;
    out->append(text.substr(begin, at - begin));
    begin = at + 1;
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else {
      absl::StrAppend(out, "\\u", absl::Hex(c, absl::kZeroPad4));
    }
  }
  out->append(text.substr(begin));
  *out += '"';
}

}  // namespace alma::log
