#include "tests/support/allocated.h"

#include <memory>
#include <string>

#include "catch2/catch.hpp"

namespace alma::testing {
namespace {

TEST_CASE("what is allocated counts until it is freed") {
  constexpr int64_t kBytes = 1 << 20;
  const int64_t before = AllocatedBytes();
  REQUIRE(before > 0);
  auto held = std::make_unique<std::string>(kBytes, 'x');
  CHECK(AllocatedBytes() - before >= kBytes);
  held.reset();
  CHECK(AllocatedBytes() - before < kBytes / 2);
}

}  // namespace
}  // namespace alma::testing
