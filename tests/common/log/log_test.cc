#include "common/log/log.h"

#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_split.h"
#include "catch2/catch.hpp"
#include "common/log/json_string.h"
#include "common/text/json.h"
#include "tests/support/captured.h"

namespace alma::log {
namespace {

using google::protobuf::Struct;

// The lines that `write` logs, each read as JSON.
template <typename Write>
std::vector<Struct> Logged(Write write) {
  testing::Captured captured(STDERR_FILENO);
  write();
  std::vector<Struct> lines;
  for (const absl::string_view line : absl::StrSplit(captured.Text(), '\n', absl::SkipEmpty())) {
    const auto parsed = text::StructFromJson({line.data(), line.size()});
    CAPTURE(line);
    REQUIRE(parsed.ok());
    lines.push_back(*parsed);
  }
  return lines;
}

std::string TextOf(const Struct& line, const std::string& field) {
  return line.fields().at(field).string_value();
}

// Puts the level back that the other test cases expect.
class Level {
 public:
  explicit Level(std::string_view level) { REQUIRE(SetUp(level)); }
  ~Level() { SetUp("info"); }
};

TEST_CASE("a line is one JSON object with its time and level and event and fields") {
  const std::string value = "text";
  const auto lines = Logged([&] {
    Info("happened", {{"number", int64_t{-7}}, {"code", 3}, {"name", value}, {"literal", "x"}});
  });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].fields().size() == 7);
  CHECK(TextOf(lines[0], "level") == "info");
  CHECK(TextOf(lines[0], "event") == "happened");
  CHECK(TextOf(lines[0], "name") == "text");
  CHECK(TextOf(lines[0], "literal") == "x");
  CHECK(lines[0].fields().at("number").number_value() == -7);
  CHECK(lines[0].fields().at("code").number_value() == 3);
  const std::string time = TextOf(lines[0], "time");
  CHECK(time.size() == std::string("2024-02-29T12:34:56.123456Z").size());
  CHECK(time.back() == 'Z');
}

TEST_CASE("any text stays within its line") {
  const std::string text =
      std::string("\"\\ \n\r\t\b\x01\x7f {} %s %v {0} </script> \xF0\x9F\x90\x8E") + '\0' + "end";
  const auto lines = Logged([&] { Warning(text, {{"name", text}}); });
  REQUIRE(lines.size() == 1);
  CHECK(TextOf(lines[0], "event") == text);
  CHECK(TextOf(lines[0], "name") == text);
}

TEST_CASE("a literal has every control character escaped") {
  std::string literal = "x";
  AppendJsonString(std::string_view("a\0\x1f\"\\", 5), &literal);
  CHECK(literal == "x\"a\\u0000\\u001f\\\"\\\\\"");
}

TEST_CASE("each level lets its own and graver lines through") {
  const auto write = [] {
    Debug("debug", {});
    Info("info", {});
    Warning("warning", {});
    Error("error", {});
  };
  const std::vector<std::string> names = {"debug", "info", "warning", "error"};
  for (size_t i = 0; i < names.size(); ++i) {
    const Level level(names[i]);
    const auto lines = Logged(write);
    REQUIRE(lines.size() == names.size() - i);
    for (size_t n = 0; n < lines.size(); ++n) {
      CHECK(TextOf(lines[n], "level") == names[i + n]);
      CHECK(TextOf(lines[n], "event") == names[i + n]);
    }
  }
  const Level off("off");
  CHECK(Logged(write).empty());
}

TEST_CASE("an unknown level is refused and changes nothing") {
  for (const char* level : {"", "verbose", "INFO", "info "}) CHECK_FALSE(SetUp(level));
  CHECK(Logged([] { Info("still", {}); }).size() == 1);
}

TEST_CASE("lines of many threads do not mix") {
  const auto lines = Logged([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([i] {
        for (int n = 0; n < 200; ++n) {
          Info("line", {{"thread", i}, {"padding", std::string(500, 'x')}});
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  CHECK(lines.size() == 800);
}

}  // namespace
}  // namespace alma::log
