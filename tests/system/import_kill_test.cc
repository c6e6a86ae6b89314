#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/deployed.h"
#include "tests/system/import.h"

namespace alma::testing {
namespace {

constexpr int kMessages = 200'000;
constexpr int kConversations = 20;
constexpr int kKills = 5;
// AddressSanitizer keeps 256 MiB of what has been freed, and twice as much around what has not.
#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kMostMemoryKiB = (3 * 150 + 256) * 1024;
#else
constexpr int64_t kMostMemoryKiB = 150 * 1024;
#endif

// The peak of the process' resident memory, in KiB.
int64_t PeakMemory(const Process& process) {
  std::ifstream status(absl::StrCat("/proc/", process.pid(), "/status"));
  std::string word;
  int64_t peak = -1;
  while (status >> word) {
    if (word == "VmHWM:") status >> peak;
  }
  return peak;
}

TEST_CASE("an import that is killed five times and resumed has each message once and in order",
          "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  Source source{{}, kMessages};
  {
    Deployed server(storage, deployment);
    source.conversations = CreateConversations(Client(server.channel(), key), kConversations);
  }
  std::minstd_rand random(std::random_device{}());
  int committed = -1;
  for (int round = 0; round <= kKills; ++round) {
    Deployed server(storage, deployment);
    const Client client(server.channel(), key);
    const absl::Time begun = absl::Now();
    int64_t peak = 0;
    std::thread killer;
    if (round < kKills) {
      killer = std::thread([&, after = absl::Milliseconds(300 + random() % 1500)] {
        absl::SleepFor(after);
        peak = PeakMemory(server.conversations());
        server.conversations().Signal(SIGKILL);
      });
    }
    const int before = committed;
    const Imported imported = ImportFrom(client, source, committed + 1);
    committed = imported.committed;
    if (killer.joinable()) {
      killer.join();
    } else {
      peak = PeakMemory(server.conversations());
    }
    INFO("round " << round << " imported " << committed - before << " in " << absl::Now() - begun
                  << ", peak " << peak << " KiB");
    REQUIRE(committed >= before);
    CHECK_FALSE(imported.refused);
    CHECK(peak > 0);
    CHECK(peak < kMostMemoryKiB);
    // Else the kills met no import.
    CHECK((committed == kMessages - 1) == (round == kKills));
    if (round == kKills) CheckImported(client, source);
  }
}

}  // namespace
}  // namespace alma::testing
