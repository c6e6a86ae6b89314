#pragma once

#include <string>

namespace alma::testing {

// Takes what this process writes to stdout or stderr until Text, or its end. One at a time for each
// stream.
class Captured {
 public:
  // STDOUT_FILENO or STDERR_FILENO.
  explicit Captured(int stream);
  ~Captured();
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  // Gives the stream back; what was written to it.
  std::string Text();

 private:
  void Release();

  const int stream_;
  const int original_;
  const int file_;
  bool released_ = false;
};

}  // namespace alma::testing
