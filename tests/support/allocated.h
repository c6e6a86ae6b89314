#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/time/clock.h"
#include "absl/time/time.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// Of both sanitizers' libraries; GCC 12 does not install the header that declares it.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#else
#include <gperftools/malloc_extension.h>
#endif

namespace alma::testing {

// What is allocated in this process, in bytes.
inline int64_t AllocatedBytes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const size_t bytes = __sanitizer_get_current_allocated_bytes();
#else
  size_t bytes = 0;
  MallocExtension::instance()->GetNumericProperty("generic.current_allocated_bytes", &bytes);
#endif
  return static_cast<int64_t>(bytes);
}

// The same once it has hardly changed for half a second.
inline int64_t SettledBytes() {
  constexpr int64_t kHardly = 1 << 20;
  int64_t last = AllocatedBytes();
  for (int same = 0; same < 25;) {
    absl::SleepFor(absl::Milliseconds(20));
    const int64_t now = AllocatedBytes();
    same = std::abs(now - last) < kHardly ? same + 1 : 0;
    last = now;
  }
  return last;
}

}  // namespace alma::testing
