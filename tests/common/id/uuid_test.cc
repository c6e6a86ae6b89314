#include "common/id/uuid.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch2/catch.hpp"

namespace alma::id {
namespace {

std::int64_t Milliseconds(const std::string& uuid) {
  return std::stoll(uuid.substr(0, 8) + uuid.substr(9, 4), nullptr, 16);
}

std::int64_t ClockMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST_CASE("a new uuid has the form and version and variant and time of UUIDv7") {
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t before = ClockMilliseconds();
    const std::string uuid = NewUuid();
    const std::int64_t after = ClockMilliseconds();
    std::string lower;
    REQUIRE(ParseUuid(uuid, &lower));
    REQUIRE(lower == uuid);
    REQUIRE(uuid[14] == '7');
    REQUIRE(std::string("89ab").find(uuid[19]) != std::string::npos);
    REQUIRE(Milliseconds(uuid) >= before);
    REQUIRE(Milliseconds(uuid) <= after + 1);
  }
}

TEST_CASE("the random part differs in every digit position") {
  std::vector<std::set<char>> digits(36);
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = NewUuid();
    for (std::size_t at = 20; at < uuid.size(); ++at) digits[at].insert(uuid[at]);
  }
  for (std::size_t at = 20; at < 36; ++at) CHECK(digits[at].size() == (at == 23 ? 1 : 16));
}

TEST_CASE("uuids of one process ascend in every thread and never repeat") {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& uuids : made) {
    threads.emplace_back([&uuids] {
      for (int i = 0; i < kEach; ++i) uuids.push_back(NewUuid());
    });
  }
  for (std::thread& thread : threads) thread.join();
  // The first 18 characters are the tick, which no two ids share.
  std::set<std::string> ticks;
  for (const auto& uuids : made) {
    CHECK(std::is_sorted(uuids.begin(), uuids.end()));
    for (const std::string& uuid : uuids) ticks.insert(uuid.substr(0, 18));
  }
  CHECK(ticks.size() == kThreads * kEach);
}

TEST_CASE("uuids of any version and case are read as lower case") {
  for (const std::string text :
       {"0190F3A2-7C1E-7B4D-8F00-0123456789AB", "c232ab00-9414-11ec-b3c8-9f6bdeced846",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000001",
        "12345678-9abc-0DEF-1234-56789abcdef0"}) {
    std::string lower;
    REQUIRE(ParseUuid(text, &lower));
    std::string expected = text;
    std::transform(expected.begin(), expected.end(), expected.begin(), ::tolower);
    CHECK(lower == expected);
  }
}

TEST_CASE("a uuid is made lower case within its own string") {
  std::string uuid = "0190F3A2-7C1E-7B4D-8F00-0123456789AB";
  REQUIRE(ParseUuid(uuid, &uuid));
  CHECK(uuid == "0190f3a2-7c1e-7b4d-8f00-0123456789ab");
}

TEST_CASE("other texts are no uuids and leave the result alone") {
  for (const std::string& text : {
           std::string(),
           std::string("00000000-0000-0000-0000-000000000000"),
           std::string("0190f3a27c1e7b4d8f000123456789ab"),
           std::string("{0190f3a2-7c1e-7b4d-8f00-0123456789ab}"),
           std::string("0190f3a2-7c1e-7b4d-8f00-0123456789a"),
           std::string("0190f3a2-7c1e-7b4d-8f00-0123456789abc"),
           std::string("0190f3a2-7c1e-7b4d-8f00-0123456789ag"),
           std::string("0190f3a27-c1e-7b4d-8f00-0123456789ab"),
           std::string("0190f3a2_7c1e_7b4d_8f00_0123456789ab"),
           std::string("0190f3a2-7c1e-7b4d-8f00-0123456789a-"),
           std::string("0190f3a2-7c1e-7b4d-8f00-0123456789a\0", 36),
           std::string(" 190f3a2-7c1e-7b4d-8f00-0123456789ab"),
       }) {
    std::string lower = "untouched";
    CHECK_FALSE(ParseUuid(text, &lower));
    CHECK(lower == "untouched");
  }
}

}  // namespace
}  // namespace alma::id
