#include "common/text/checks.h"

#include <functional>
#include <limits>
#include <string>

#include "catch2/catch.hpp"
#include "common/text/timestamp.h"

namespace alma::text {
namespace {

using TextCheck = std::function<void(Violations&, const std::string&, Presence)>;

const TextCheck kName = [](Violations& v, const std::string& text, Presence presence) {
  CheckName(v, "f", text, presence);
};
const TextCheck kWord = [](Violations& v, const std::string& text, Presence presence) {
  CheckWord(v, "f", text, presence);
};
const TextCheck kContent = [](Violations& v, const std::string& text, Presence presence) {
  CheckContent(v, "f", text, presence);
};
const TextCheck kUuid = [](Violations& v, const std::string& text, Presence presence) {
  std::string value = text;
  CheckUuid(v, "f", &value, presence);
};

// The text of the violation of "f", "" when there is none.
std::string Result(const TextCheck& check, const std::string& text,
                   Presence presence = Presence::kRequired) {
  Violations violations;
  check(violations, text, presence);
  const absl::Status status = violations.ToStatus();
  if (status.ok()) return "";
  CHECK(status.message().substr(0, 3) == "f: ");
  return std::string(status.message().substr(3));
}

std::string Repeat(const std::string& text, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated += text;
  return repeated;
}

TEST_CASE("only an optional text may be empty") {
  for (const TextCheck& check : {kName, kWord, kContent, kUuid}) {
    CHECK(Result(check, "") == "must not be empty");
    CHECK(Result(check, "", Presence::kOptional) == "");
  }
}

TEST_CASE("names and words must not be blank but content may") {
  for (const Presence presence : {Presence::kRequired, Presence::kOptional}) {
    for (const std::string blank : {" ", "\t\n", "\xC2\xA0\xE3\x80\x80"}) {
      CHECK(Result(kName, blank, presence) == "must not be blank");
      CHECK(Result(kWord, blank, presence) == "must not be blank");
      CHECK(Result(kContent, blank, presence) == "");
    }
    CHECK(Result(kName, " Ana ", presence) == "");
  }
}

TEST_CASE("names and words are limited in code points and content in bytes") {
  for (const std::string letter : {"a", "é", "語", "😀"}) {
    CHECK(Result(kName, Repeat(letter, 256)) == "");
    CHECK(Result(kName, Repeat(letter, 257)) == "must have at most 256 characters");
    CHECK(Result(kWord, Repeat(letter, 64)) == "");
    CHECK(Result(kWord, Repeat(letter, 65), Presence::kOptional) ==
          "must have at most 64 characters");
  }
  CHECK(Result(kContent, std::string(262'144, 'a')) == "");
  CHECK(Result(kContent, std::string(262'145, 'a')) == "must have at most 256 KiB");
  CHECK(Result(kContent, Repeat("é", 131'072)) == "");
  CHECK(Result(kContent, Repeat("é", 131'073)) == "must have at most 256 KiB");
}

TEST_CASE("every text must be UTF-8 without NUL") {
  for (const TextCheck& check : {kName, kWord, kContent}) {
    for (const Presence presence : {Presence::kRequired, Presence::kOptional}) {
      CHECK(Result(check, "a\xC0\x80", presence) == "must be valid UTF-8");
      CHECK(Result(check, "\xED\xA0\x80", presence) == "must be valid UTF-8");
      CHECK(Result(check, std::string("a\0b", 3), presence) == "must not contain NUL");
      CHECK(Result(check, std::string(1, '\0'), presence) == "must not contain NUL");
    }
  }
}

TEST_CASE("a uuid is made lower case in place") {
  Violations violations;
  std::string uuid = "0190F3A2-7C1E-7B4D-8F00-0123456789AB";
  CheckUuid(violations, "f", &uuid);
  CHECK(violations.empty());
  CHECK(uuid == "0190f3a2-7c1e-7b4d-8f00-0123456789ab");
}

TEST_CASE("a uuid of another form is refused and left as it was") {
  for (const std::string text :
       {"00000000-0000-0000-0000-000000000000", "0190f3a27c1e7b4d8f000123456789ab",
        "{0190f3a2-7c1e-7b4d-8f00-0123456789ab}", "0190F3A2-7C1E-7B4D-8F00-0123456789AG", "\xFF",
        "name"}) {
    for (const Presence presence : {Presence::kRequired, Presence::kOptional}) {
      Violations violations;
      std::string value = text;
      CheckUuid(violations, "f", &value, presence);
      CHECK(violations.ToStatus().message() ==
            "f: must be a UUID in its 8-4-4-4-12 form and not the nil UUID");
      CHECK(value == text);
    }
  }
}

TEST_CASE("timestamps lie in the years 0001 to 9999") {
  const struct {
    std::int64_t seconds;
    std::int32_t nanos;
    std::string error;
  } cases[] = {
      {0, 0, ""},
      {-62135596800, 0, ""},
      {253402300799, 999'999'999, ""},
      {-62135596801, 999'999'999, "f: must lie in the years 0001 to 9999"},
      {253402300800, 0, "f: must lie in the years 0001 to 9999"},
      {std::numeric_limits<std::int64_t>::min(), 0, "f: must lie in the years 0001 to 9999"},
      {std::numeric_limits<std::int64_t>::max(), 0, "f: must lie in the years 0001 to 9999"},
      {0, -1, "f: must have nanos of 0 to 999999999"},
      {0, 1'000'000'000, "f: must have nanos of 0 to 999999999"},
  };
  for (const auto& expected : cases) {
    google::protobuf::Timestamp timestamp;
    timestamp.set_seconds(expected.seconds);
    timestamp.set_nanos(expected.nanos);
    Violations violations;
    CheckTimestamp(violations, "f", timestamp);
    CHECK(violations.ToStatus().message() == expected.error);
  }
}

TEST_CASE("page sizes fall back to 50 and end at 1000") {
  const struct {
    std::int32_t asked;
    std::int32_t used;
  } cases[] = {{0, 50},      {1, 1},       {50, 50},         {999, 999},
               {1000, 1000}, {1001, 1000}, {INT32_MAX, 1000}};
  for (const auto& expected : cases) {
    Violations violations;
    CHECK(CheckPageSize(violations, expected.asked) == expected.used);
    CHECK(violations.empty());
  }
  for (const std::int32_t negative : {-1, INT32_MIN}) {
    Violations violations;
    CheckPageSize(violations, negative);
    CHECK(violations.ToStatus().message() == "page_size: must not be negative");
  }
}

}  // namespace
}  // namespace alma::text
