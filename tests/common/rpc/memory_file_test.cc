#include "common/rpc/memory_file.h"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "catch2/catch.hpp"

namespace alma::rpc {
namespace {

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

time_t Changed(const std::string& path) {
  struct stat properties {};
  return stat(path.c_str(), &properties) == 0 ? properties.st_mtime : -1;
}

TEST_CASE("a file in memory keeps its path and is later with each content") {
  MemoryFile file;
  CHECK(file.path().empty());
  REQUIRE(file.Replace("one").ok());
  const std::string path = file.path();
  const time_t first = Changed(path);
  CHECK(Content(path) == "one");
  REQUIRE(file.Replace("").ok());
  CHECK(file.path() == path);
  CHECK(Content(path).empty());
  CHECK(first > 0);
  CHECK(Changed(path) > first);
}

TEST_CASE("who reads a file in memory while it is replaced finds the one content or the other") {
  MemoryFile file;
  const std::string one(100'000, '1');
  const std::string two(200'000, '2');
  REQUIRE(file.Replace(one).ok());
  std::atomic<bool> stop = false;
  std::atomic<int> reads = 0;
  std::atomic<int> torn = 0;
  std::thread reader([&] {
    while (!stop) {
      const std::string content = Content(file.path());
      if (content != one && content != two) ++torn;
      ++reads;
    }
  });
  bool replaced = true;
  for (int i = 0; i < 1000 || reads < 1000; ++i) {
    replaced = file.Replace(i % 2 == 0 ? two : one).ok() && replaced;
  }
  stop = true;
  reader.join();
  CHECK(replaced);
  CHECK(torn == 0);
}

TEST_CASE("what read a file in memory once may look again when its maker is gone") {
  std::string path;
  {
    MemoryFile file;
    REQUIRE(file.Replace("kept").ok());
    path = file.path();
  }
  CHECK(Content(path) == "kept");
}

}  // namespace
}  // namespace alma::rpc
