#include "common/auth/secret_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "catch2/catch.hpp"

namespace alma::auth {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = std::filesystem::temp_directory_path() / "alma-secret-XXXXXX";
    REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  std::string Path(const std::string& name) const { return path_ / name; }

  std::string Write(const std::string& content, mode_t mode = 0600) const {
    const std::string path = Path("secret");
    std::ofstream(path, std::ios::binary) << content;
    REQUIRE(chmod(path.c_str(), mode) == 0);
    return path;
  }

  std::size_t FileCount() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

const std::string kA(32, '\xA5');
const std::string kB(33, '\xFB');

TEST_CASE("secrets are read in hex and base64 in the order of their lines") {
  const TemporaryFolder folder;
  const std::string hex = absl::BytesToHexString(kA);
  const std::string base64 = absl::Base64Escape(kB);
  const struct {
    std::string content;
    std::vector<std::string> secrets;
  } cases[] = {
      {hex, {kA}},
      {hex + "\n", {kA}},
      {hex + "\n" + base64 + "\n", {kA, kB}},
      {"\n  \r\n" + base64 + "\r\n\n" + hex, {kB, kA}},
      {"A5" + hex.substr(2), {kA}},
      {absl::Base64Escape(kA), {kA}},
      {" \t" + hex + " ", {kA}},
  };
  for (const auto& expected : cases) {
    const absl::StatusOr<Secrets> secrets = LoadSecretFile(folder.Write(expected.content));
    INFO(secrets.status());
    REQUIRE(secrets.ok());
    CHECK(secrets->secrets == expected.secrets);
  }
}

TEST_CASE("a file without a whole secret on every line is refused and not quoted") {
  const TemporaryFolder folder;
  const std::string hex = absl::BytesToHexString(kA);
  for (const std::string& content :
       {std::string(), std::string("\n \n"), hex.substr(2), hex + "\nQUJD\n",
        absl::Base64Escape(std::string(31, 'x')), "!" + hex, hex + " " + hex, "# comment\n" + hex,
        std::string(70'000, 'a')}) {
    const absl::Status status = LoadSecretFile(folder.Write(content)).status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find("a5a5") == absl::string_view::npos);
    CHECK(status.message().find("QUJD") == absl::string_view::npos);
  }
}

TEST_CASE("a bad line is named by its number") {
  const TemporaryFolder folder;
  const std::string content = absl::BytesToHexString(kA) + "\n\nshort\n";
  CHECK(LoadSecretFile(folder.Write(content)).status().message().find("line 3") !=
        absl::string_view::npos);
}

TEST_CASE("a file that others may use is refused") {
  const TemporaryFolder folder;
  for (const mode_t mode : {0640, 0620, 0610, 0604, 0602, 0601, 0644, 0777}) {
    CHECK(absl::IsPermissionDenied(
        LoadSecretFile(folder.Write(absl::BytesToHexString(kA), mode)).status()));
  }
  for (const mode_t mode : {0600, 0400, 0700}) {
    CHECK(LoadSecretFile(folder.Write(absl::BytesToHexString(kA), mode)).ok());
  }
}

TEST_CASE("a missing file is made once with one fresh secret") {
  const TemporaryFolder folder;
  const std::string path = folder.Path("secret");
  CHECK(absl::IsNotFound(LoadSecretFile(path).status()));
  const absl::StatusOr<Secrets> made = LoadOrCreateSecretFile(path);
  REQUIRE(made.ok());
  REQUIRE(made->secrets.size() == 1);
  CHECK(made->secrets[0].size() == 32);
  struct stat properties;
  REQUIRE(stat(path.c_str(), &properties) == 0);
  CHECK((properties.st_mode & 07777) == 0600);
  CHECK(LoadOrCreateSecretFile(path)->secrets == made->secrets);
  CHECK(LoadSecretFile(path)->secrets == made->secrets);
  CHECK(folder.FileCount() == 1);
  CHECK(LoadOrCreateSecretFile(folder.Path("other"))->secrets != made->secrets);
}

TEST_CASE("those who make the file at once get the same secret") {
  const TemporaryFolder folder;
  std::vector<std::string> secrets(8);
  std::vector<std::thread> threads;
  for (std::string& secret : secrets) {
    threads.emplace_back([&secret, path = folder.Path("secret")] {
      const absl::StatusOr<Secrets> loaded = LoadOrCreateSecretFile(path);
      if (loaded.ok()) secret = loaded->secrets[0];
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(secrets[0].size() == 32);
  CHECK(std::set<std::string>(secrets.begin(), secrets.end()).size() == 1);
  CHECK(folder.FileCount() == 1);
}

TEST_CASE("a file that is there but bad is not replaced") {
  const TemporaryFolder folder;
  const std::string path = folder.Write("short");
  CHECK(absl::IsInvalidArgument(LoadOrCreateSecretFile(path).status()));
  CHECK(absl::IsNotFound(LoadOrCreateSecretFile(folder.Path("no/secret")).status()));
}

}  // namespace
}  // namespace alma::auth
