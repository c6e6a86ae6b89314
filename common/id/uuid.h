#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace alma::id {

// Characters of a uuid's text.
inline constexpr std::size_t kUuidLength = 36;

// A new UUIDv7 (RFC 9562, method 3) in lower case: 48 bits of Unix milliseconds, 12 bits of their
// fraction, 62 random bits. Those made by one process are strictly ascending, as text too; the time
// part runs ahead of the clock where the clock steps back or 244 ns hold more than one.
// Thread-safe. A process that forks without exec must not make ids on both sides: random bytes are
// buffered per thread, and the child would repeat the parent's.
std::string NewUuid();

// Writes the 16 bytes of a uuid as kUuidLength characters in lower case.
void FormatUuid(std::string_view bytes, char* text);

// Whether `text` has the 8-4-4-4-12 form, of any version, any case, and is not the nil uuid; if so
// `*lower` is its lower-case form. `lower` may hold the text that `text` views.
bool ParseUuid(std::string_view text, std::string* lower);

}  // namespace alma::id
