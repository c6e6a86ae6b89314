#include "common/text/utf8.h"

#include <string>

#include "catch2/catch.hpp"

namespace alma::text {
namespace {

TEST_CASE("valid UTF-8 is counted in code points") {
  const struct {
    std::string text;
    std::size_t count;
  } cases[] = {
      {"", 0},
      {"a", 1},
      {"abcdefgh", 8},
      {"abcdefghi", 9},
      {std::string("a\0b", 3), 3},
      {"\x7F", 1},
      {"\xC2\x80", 1},
      {"\xDF\xBF", 1},
      {"\xE0\xA0\x80", 1},
      {"\xED\x9F\xBF", 1},
      {"\xEE\x80\x80", 1},
      {"\xEF\xBF\xBF", 1},
      {"\xF0\x90\x80\x80", 1},
      {"\xF4\x8F\xBF\xBF", 1},
      {"abcdefg\xC3\xA9xyz", 11},
      {"日本語テキスト😀", 8},
  };
  for (const auto& expected : cases) {
    INFO(expected.text);
    REQUIRE(CountCodePoints(expected.text));
    CHECK(*CountCodePoints(expected.text) == expected.count);
  }
}

TEST_CASE("what is not UTF-8 is refused wherever it stands") {
  const std::string cases[] = {
      "\x80",  // continuation first
      "\xBF",
      "\xC0\x80",          // overlong NUL
      "\xC1\xBF",          // overlong
      "\xE0\x80\x80",      // overlong
      "\xE0\x9F\xBF",      // overlong
      "\xF0\x80\x80\x80",  // overlong
      "\xF0\x8F\xBF\xBF",  // overlong
      "\xED\xA0\x80",      // surrogates
      "\xED\xAF\xBF",
      "\xED\xB0\x80",
      "\xED\xBF\xBF",
      "\xF4\x90\x80\x80",  // above U+10FFFF
      "\xF5\x80\x80\x80",
      "\xF8\x88\x80\x80\x80",
      "\xFE",
      "\xFF",
      "\xC3",  // cut
      "\xE2\x82",
      "\xF0\x9F\x98",
      "\xC3\x28",  // no continuation
      "\xE2\x28\xA1",
      "\xE2\x82\x28",
      "\xF0\x28\x8C\xBC",
      "\xF0\x9F\x98\x28",
  };
  for (const std::string& bytes : cases) {
    for (std::size_t padding = 0; padding < 17; ++padding) {
      CHECK_FALSE(CountCodePoints(std::string(padding, 'a') + bytes));
      CHECK_FALSE(CountCodePoints(bytes + std::string(padding, 'a')));
    }
  }
}

TEST_CASE("blank text is white space of Unicode only") {
  for (const char* text : {"", " ", "\t\r\n\v\f", "\xC2\xA0", "\xE2\x80\x83 \xE3\x80\x80",
                           "\xC2\x85", "\xE2\x80\xA8"}) {
    CHECK(IsBlank(text));
  }
  for (const char* text : {"a", " a ", "\xE3\x80\x80.", "\xE2\x80\x8B", "😀", " \x80"}) {
    CHECK_FALSE(IsBlank(text));
  }
}

}  // namespace
}  // namespace alma::text
