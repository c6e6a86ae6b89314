#include "common/id/uuid.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/id/random.h"

namespace alma::id {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
constexpr std::string_view kNil = "00000000-0000-0000-0000-000000000000";

// Milliseconds since 1970 in 48 bits, then 4096ths of a millisecond; greater with every call.
std::uint64_t NextTick() {
  static std::atomic<std::uint64_t> last = 0;
  const std::uint64_t nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  const std::uint64_t now = nanos / 1'000'000 << 12 | (nanos % 1'000'000) * 4096 / 1'000'000;
  std::uint64_t previous = last.load(std::memory_order_relaxed);
  std::uint64_t next;
  do {
    next = std::max(now, previous + 1);
  } while (!last.compare_exchange_weak(previous, next, std::memory_order_relaxed));
  return next;
}

// One call of the generator costs far more than the eight bytes that an id needs.
std::uint64_t RandomWord() {
  thread_local std::array<std::uint64_t, 64> words;
  thread_local std::size_t next = words.size();
  if (next == words.size()) {
    FillRandom(words.data(), sizeof words);
    next = 0;
  }
  return words[next++];
}

std::string Format(std::uint64_t high, std::uint64_t low) {
  std::array<char, 16> bytes;
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(high >> (56 - i * 8));
    bytes[8 + i] = static_cast<char>(low >> (56 - i * 8));
  }
  std::string text(kUuidLength, '-');
  FormatUuid({bytes.data(), bytes.size()}, text.data());
  return text;
}

}  // namespace

void FormatUuid(std::string_view bytes, char* text) {
  std::size_t at = 0;
  for (const char c : bytes) {
    if (kForm[at] == '-') text[at++] = '-';
    const auto byte = static_cast<unsigned char>(c);
    text[at++] = kHexDigits[byte >> 4];
    text[at++] = kHexDigits[byte & 0xF];
  }
}

std::string NewUuid() {
  constexpr std::uint64_t kVersion = 0x7;
  constexpr std::uint64_t kVariant = 0x2;
  const std::uint64_t tick = NextTick();
  return Format(tick >> 12 << 16 | kVersion << 12 | (tick & 0xFFF),
                kVariant << 62 | RandomWord() >> 2);
}

bool ParseUuid(std::string_view text, std::string* lower) {
  if (text.size() != kForm.size()) return false;
  std::string parsed(text);
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    char& c = parsed[i];
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    const bool hex = kHexDigits.find(c) != std::string_view::npos;
    if (kForm[i] == '-' ? c != '-' : !hex) return false;
  }
  if (parsed == kNil) return false;
  *lower = std::move(parsed);
  return true;
}

}  // namespace alma::id
