#include "common/id/random.h"

#include <openssl/rand.h>

#include <cstdlib>

namespace alma::id {

void FillRandom(void* bytes, std::size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(bytes), static_cast<int>(size)) != 1) std::abort();
}

}  // namespace alma::id
