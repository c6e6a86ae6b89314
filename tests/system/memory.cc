#include "tests/system/memory.h"

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

namespace alma::testing {

int64_t ResidentKib(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  std::string word;
  int64_t kib = 0;
  while (status >> word && word != "VmRSS:") {
  }
  REQUIRE(status >> kib);
  return kib;
}

}  // namespace alma::testing
