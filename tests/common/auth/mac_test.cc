#include "common/auth/mac.h"

#include <string>

#include "absl/strings/escaping.h"
#include "catch2/catch.hpp"

namespace alma::auth {
namespace {

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString({bytes.data(), bytes.size()});
}

std::string Text(const Mac& mac) { return std::string(mac.begin(), mac.end()); }

const std::string kOld(32, 'o');
const std::string kNew(32, 'n');

TEST_CASE("keys are derived as RFC 5869 has it") {
  // Test case 3 of the RFC: no salt, no info. And a label, computed with Python's hmac.
  CHECK(Hex(DeriveKey(std::string(22, '\x0b'), "")) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  CHECK(Hex(DeriveKey(std::string(32, 'o'), "alma principal v1")) ==
        "9cae5354ae2e5d2242eda4215a459ca71e905b43833c27626de091a06a6ec5e8");
}

TEST_CASE("the MAC is HMAC-SHA-256 under the derived key") {
  const MacKeys keys({{kOld}}, "alma principal v1");
  CHECK(Hex(Text(keys.Sign("data"))) ==
        "fbb259f7627c44a52ea4ac52cf6dab004446546e1f51d360a6924ea2ce33a1ac");
}

TEST_CASE("the first secret signs and all verify") {
  const MacKeys before({{kOld}}, "label");
  const MacKeys rotating({{kNew, kOld}}, "label");
  const MacKeys after({{kNew}}, "label");
  const std::string by_old = Text(before.Sign("data"));
  const std::string by_new = Text(rotating.Sign("data"));
  CHECK(by_new == Text(after.Sign("data")));
  CHECK(rotating.Verify("data", by_old));
  CHECK(rotating.Verify("data", by_new));
  CHECK_FALSE(after.Verify("data", by_old));
  CHECK_FALSE(before.Verify("data", by_new));
}

TEST_CASE("a MAC is good for its data and its label only") {
  const MacKeys keys({{kOld}}, "label");
  const std::string mac = Text(keys.Sign("data"));
  CHECK(keys.Verify("data", mac));
  CHECK_FALSE(keys.Verify("dato", mac));
  CHECK_FALSE(keys.Verify("", mac));
  CHECK_FALSE(MacKeys({{kOld}}, "other").Verify("data", mac));
  for (std::size_t at = 0; at < mac.size(); ++at) {
    std::string changed = mac;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_FALSE(keys.Verify("data", changed));
  }
}

TEST_CASE("a MAC may be cut to 16 bytes and no further") {
  const MacKeys keys({{kOld}}, "label");
  const std::string mac = Text(keys.Sign("data"));
  CHECK(keys.Verify("data", mac.substr(0, 16)));
  CHECK_FALSE(keys.Verify("data", mac.substr(0, 15)));
  CHECK_FALSE(keys.Verify("data", mac.substr(1, 16)));
  CHECK_FALSE(keys.Verify("data", ""));
  CHECK_FALSE(keys.Verify("data", mac + "x"));
}

}  // namespace
}  // namespace alma::auth
