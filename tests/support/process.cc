#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/time/clock.h"
#include "catch2/catch.hpp"

namespace alma::testing {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(2);

std::string Content(int file, size_t from) {
  struct stat properties;
  if (fstat(file, &properties) != 0 || static_cast<size_t>(properties.st_size) <= from) return {};
  std::string content(properties.st_size - from, '\0');
  const ssize_t count = pread(file, content.data(), content.size(), static_cast<off_t>(from));
  content.resize(count < 0 ? 0 : count);
  return content;
}

// Runs between fork and exec, in a copy of a process with threads: system calls only.
[[noreturn]] void Execute(char* const* arguments, int out, int err, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = open("/dev/null", O_RDONLY);
  if (dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
      dup2(err, STDERR_FILENO) < 0) {
    _exit(127);
  }
  execvp(arguments[0], arguments);
  _exit(127);
}

// The child writes at the offset that it shares with this process; pread leaves it alone.
int MakeFile(const char* name) { return memfd_create(name, MFD_CLOEXEC); }

}  // namespace

Process::Process(const std::vector<std::string>& command)
    : out_(MakeFile("stdout")), err_(MakeFile("stderr")) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) Execute(arguments.data(), out_, err_, parent);
  if (pid_ < 0) FAIL("cannot start " << command[0]);
}

Process::~Process() {
  if (Running()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

std::optional<std::string> Process::ReadLine(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  for (bool running = true; running && absl::Now() < deadline; absl::SleepFor(kPoll)) {
    running = Running();
    const std::string content = Content(out_, read_);
    const size_t end = content.find('\n');
    if (end == std::string::npos) continue;
    read_ += end + 1;
    return content.substr(0, end);
  }
  return std::nullopt;
}

void Process::Signal(int signal) {
  if (Running()) kill(pid_, signal);
}

bool Process::Running() {
  int state = 0;
  if (!exit_code_.has_value() && pid_ > 0 && waitpid(pid_, &state, WNOHANG) == pid_) {
    exit_code_ = WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
  }
  return pid_ > 0 && !exit_code_.has_value();
}

Finished Process::Wait(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (Running() && absl::Now() < deadline) absl::SleepFor(kPoll);
  if (!exit_code_.has_value()) FAIL("a program did not end in time; its stderr: " << Errors());
  return {*exit_code_, Content(out_, 0), Errors()};
}

std::string Process::Errors() const { return Content(err_, 0); }

Finished Run(const std::vector<std::string>& command, absl::Duration timeout) {
  return Process(command).Wait(timeout);
}

}  // namespace alma::testing
