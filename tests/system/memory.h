#pragma once

#include <sys/types.h>

#include <cstdint>

namespace alma::testing {

// AddressSanitizer keeps what has been freed, up to this.
#ifdef __SANITIZE_ADDRESS__
inline constexpr int64_t kQuarantineKib = 256 * 1024;
#else
inline constexpr int64_t kQuarantineKib = 0;
#endif

// What a process holds in memory. Fails the test case where there is none.
int64_t ResidentKib(pid_t pid);

}  // namespace alma::testing
