#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace alma::fuzz {

// Ends the process, which is a finding, unless `holds`.
inline void Require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what.c_str());
  std::abort();
}

}  // namespace alma::fuzz
