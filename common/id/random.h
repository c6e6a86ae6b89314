#pragma once

#include <cstddef>

namespace alma::id {

// Fills `size` bytes from the cryptographic generator. Ends the process where that fails: nothing
// that asks for unguessable bytes can go on without them. Thread-safe.
void FillRandom(void* bytes, std::size_t size);

}  // namespace alma::id
