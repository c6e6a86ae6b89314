#include "common/text/utf8.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace alma::text {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;

struct CodePoint {
  char32_t value;
  std::size_t size;  // bytes; 0 where the bytes are not valid UTF-8
};

// `text` must not be empty.
CodePoint Decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {0, 0};
  char32_t value = lead & (0x7F >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    value = value << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[size] || value > 0x10FFFF || surrogate) return {0, 0};
  return {value, size};
}

// The property White_Space of Unicode 15.
bool IsSpace(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace

std::optional<std::size_t> CountCodePoints(std::string_view text) {
  std::size_t count = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    if (std::uint64_t word; text.size() - i >= sizeof word) {
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & kHighBits) == 0) {
        i += sizeof word;
        count += sizeof word;
        continue;
      }
    }
    const CodePoint point = Decode(text.substr(i));
    if (point.size == 0) return std::nullopt;
    i += point.size;
    ++count;
  }
  return count;
}

bool IsBlank(std::string_view utf8) {
  while (!utf8.empty()) {
    const CodePoint point = Decode(utf8);
    if (point.size == 0 || !IsSpace(point.value)) return false;
    utf8.remove_prefix(point.size);
  }
  return true;
}

}  // namespace alma::text
