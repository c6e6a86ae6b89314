#include "common/rpc/connection.h"

#include <fstream>
#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

namespace alma::rpc {
namespace {

// What docs/limits.md has to say beside the name of each constant of connection.h.
const std::map<std::string, std::string> kValues = {
    {"kMaxMessageBytes", absl::StrCat(kMaxMessageBytes / (1024 * 1024), " MiB")},
    {"kMaxMetadataBytes", absl::StrCat(kMaxMetadataBytes / 1024, " KiB")},
    {"kMaxStreamsPerConnection", absl::StrCat(kMaxStreamsPerConnection, ";")},
    {"kGatewayCallsPerConnection", absl::StrCat(kGatewayCallsPerConnection, ",")},
    {"kHandshakeTimeoutMillis", absl::StrCat(kHandshakeTimeoutMillis / 1000, " s")},
    {"kMaxIdleMillis", absl::StrCat(kMaxIdleMillis / 60'000, " min")},
    {"kServerKeepaliveTimeMillis", absl::StrCat(kServerKeepaliveTimeMillis / 1000, " s")},
    {"kServerKeepaliveTimeoutMillis", absl::StrCat(kServerKeepaliveTimeoutMillis / 1000, " s")},
    {"kMaxConnectionAgeMillis", absl::StrCat(kMaxConnectionAgeMillis / 60'000, " min")},
    {"kMinPingIntervalMillis", absl::StrCat(kMinPingIntervalMillis / 1000, " s")},
    {"kGatewayKeepaliveTimeMillis", absl::StrCat(kGatewayKeepaliveTimeMillis / 1000, " s")},
    {"kGatewayKeepaliveTimeoutMillis", absl::StrCat(kGatewayKeepaliveTimeoutMillis / 1000, " s")},
    {"kMinReconnectPauseMillis", absl::StrCat(kMinReconnectPauseMillis, " ")},
    {"kMaxReconnectPauseMillis", absl::StrCat(kMaxReconnectPauseMillis, " ms")},
};

TEST_CASE("the limits of connections stand in the documentation as they are") {
  std::ifstream limits(ALMA_SOURCE_DIR "/docs/limits.md");
  std::map<std::string, int> rows;
  for (std::string row; std::getline(limits, row);) {
    if (!absl::StrContains(row, "common/rpc/connection.h")) continue;
    for (const auto& [name, value] : kValues) {
      if (!absl::StrContains(row, absl::StrCat("`", name, "`"))) continue;
      CAPTURE(row, name);
      CHECK(absl::StrContains(row, absl::StrCat(" ", value)));
      ++rows[name];
    }
  }
  for (const auto& [name, value] : kValues) {
    CAPTURE(name);
    CHECK(rows[name] == 1);
  }
}

TEST_CASE("every limit of connections is among those that are tested") {
  std::ifstream header(ALMA_SOURCE_DIR "/common/rpc/connection.h");
  size_t constants = 0;
  for (std::string line; std::getline(header, line);) {
    if (!absl::StartsWith(line, "inline constexpr int k")) continue;
    ++constants;
    const size_t begin = line.find(" k") + 1;
    const std::string name = line.substr(begin, line.find(' ', begin) - begin);
    CAPTURE(name);
    CHECK(kValues.contains(name));
  }
  CHECK(constants == kValues.size());
}

}  // namespace
}  // namespace alma::rpc
