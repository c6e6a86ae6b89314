#include "common/rpc/command_line.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "catch2/catch.hpp"
#include "tests/support/captured.h"

ABSL_FLAG(int, test_number, 1, "A flag of the test's own.");

namespace alma::rpc {
namespace {

// How a process with this command line ends, and what it prints: ParseCommandLine is for once in a
// process. Where it returns, that is its words and then the flag.
struct Ended {
  int exit_code;
  std::string out;
};

void Parse(std::vector<std::string> command_line) {
  command_line.insert(command_line.begin(), "alma");
  std::vector<char*> argv;
  for (std::string& word : command_line) argv.push_back(word.data());
  for (const std::string& word :
       ParseCommandLine(static_cast<int>(argv.size()), argv.data(), "usage: the usage")) {
    std::printf("%s,", word.c_str());
  }
  std::printf("%d", absl::GetFlag(FLAGS_test_number));
  std::fflush(stdout);
}

Ended EndOf(const std::vector<std::string>& command_line) {
  testing::Captured out(STDOUT_FILENO);
  testing::Captured err(STDERR_FILENO);
  const pid_t child = fork();
  if (child == 0) {
    Parse(command_line);
    _exit(77);
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  return {WIFEXITED(ended) ? WEXITSTATUS(ended) : -1, out.Text()};
}

TEST_CASE("words between the flags are subcommands") {
  CHECK(EndOf({"serve", "--test_number=5", "now"}).out == "serve,now,5");
  CHECK(EndOf({}).out == "1");
  CHECK(EndOf({"--", "--test_number=6"}).out == "--test_number=6,1");
}

TEST_CASE("help and version are printed and are no failure") {
  const Ended help = EndOf({"--help"});
  CHECK(help.exit_code == 0);
  CHECK(help.out.find("usage: the usage") != std::string::npos);
  CHECK(help.out.find("--test_number") != std::string::npos);
  const Ended version = EndOf({"serve", "--version"});
  CHECK(version.exit_code == 0);
  for (const char* part : {"alma ", "gRPC ", "protobuf ", "SOCI 4.", "SQLite 3.", "libpq "}) {
    CAPTURE(part);
    CHECK(version.out.find(part) != std::string::npos);
  }
}

TEST_CASE("a flag that is unknown or does not parse is wrong usage") {
  CHECK(EndOf({"--no_such_flag"}).exit_code == 2);
  CHECK(EndOf({"--test_number=x"}).exit_code == 2);
  CHECK(EndOf({"serve", "--test_number"}).exit_code == 2);
  CHECK(EndOf({"serve", "--test_number=2"}).exit_code == 77);
}

}  // namespace
}  // namespace alma::rpc
