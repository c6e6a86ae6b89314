#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace alma::text {

// Number of code points of `text`; nullopt where it is not valid UTF-8 as of RFC 3629 (overlong
// forms, surrogates, values above U+10FFFF, cut sequences).
std::optional<std::size_t> CountCodePoints(std::string_view text);

// Whether valid UTF-8 consists of Unicode white space only (true for "").
bool IsBlank(std::string_view utf8);

}  // namespace alma::text
