#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "catch2/catch.hpp"

namespace alma::testing {

// A folder for one test case, gone with all it holds at the end.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_((std::filesystem::temp_directory_path() / "alma_test_XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) FAIL("no temporary folder");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace alma::testing
