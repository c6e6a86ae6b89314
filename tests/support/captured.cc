#include "tests/support/captured.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

#include "catch2/catch.hpp"

namespace alma::testing {

Captured::Captured(int stream)
    : stream_(stream), original_(dup(stream)), file_(memfd_create("captured", MFD_CLOEXEC)) {
  std::fflush(nullptr);
  if (original_ < 0 || file_ < 0 || dup2(file_, stream_) < 0) FAIL("cannot redirect a stream");
}

Captured::~Captured() {
  if (!released_) Release();
  close(file_);
}

std::string Captured::Text() {
  Release();
  std::string text(lseek(file_, 0, SEEK_END), '\0');
  if (pread(file_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    FAIL("cannot read it back");
  }
  return text;
}

void Captured::Release() {
  std::fflush(nullptr);
  dup2(original_, stream_);
  close(original_);
  released_ = true;
}

}  // namespace alma::testing
