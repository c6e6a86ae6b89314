#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace alma::testing {

// How a program ended, and what it wrote.
struct Finished {
  // 128 + the signal's number where a signal ended it, as a shell has it.
  int exit_code;
  std::string out;
  std::string err;
};

// A program that runs beside the test case. It never outlives this object, nor the thread that made
// it. Not thread-safe.
class Process {
 public:
  // `command`: the program, looked up in $PATH where it has no slash, and its arguments. The test
  // case fails when it cannot be started.
  explicit Process(const std::vector<std::string>& command);
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The next whole line of its stdout; nothing when it ends, or `timeout` passes, without one.
  std::optional<std::string> ReadLine(absl::Duration timeout);

  pid_t pid() const { return pid_; }

  void Signal(int signal);

  // Whether it has not ended yet.
  bool Running();

  // Waits for its end; the test case fails when it does not come within `timeout`.
  Finished Wait(absl::Duration timeout);

  // What it has written to stderr so far.
  std::string Errors() const;

 private:
  pid_t pid_ = -1;
  const int out_;
  const int err_;
  size_t read_ = 0;
  std::optional<int> exit_code_;
};

// Runs a program to its end; the test case fails when it takes more than `timeout`.
Finished Run(const std::vector<std::string>& command, absl::Duration timeout = absl::Seconds(60));

}  // namespace alma::testing
