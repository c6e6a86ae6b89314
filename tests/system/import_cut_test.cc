#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <thread>

#include <google/protobuf/util/json_util.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/alma_server.h"
#include "tests/system/health.h"
#include "tests/system/import.h"

// Imports that are cut by everything but the end of the server, and resumed from the committed
// position.
namespace alma::testing {
namespace {

constexpr int kMessages = 20'000;
constexpr int kConversations = 10;
constexpr int kCuts = 4;
// What a database may take to answer again.
constexpr absl::Duration kBack = absl::Seconds(10);

// Answers after which the import is cut: somewhere in its `round`-th part.
int CutAfter(int round, int committed) {
  static std::minstd_rand random(std::random_device{}());
  const int part = kMessages / (kCuts + 1);
  return std::max(1, part * round + static_cast<int>(random() % part) - committed);
}

// The messages of `source` from `first` on, as grpcurl reads them from its standard input.
void WriteItems(const Source& source, int first, const std::string& path) {
  std::ofstream file(path);
  for (int n = first; n < source.messages; ++n) {
    std::string json;
    REQUIRE(google::protobuf::util::MessageToJsonString(ImportItem(source, n), &json).ok());
    file << json << '\n';
  }
}

// The last committed_position that stands whole in what grpcurl has printed; -1 without one.
int LastCommitted(const std::string& path) {
  constexpr int kTail = 4096;
  constexpr std::string_view kName = "\"committed_position\": \"";
  std::ifstream file(path, std::ios::ate);
  file.seekg(std::max<std::streamoff>(0, file.tellg() - std::streamoff{kTail}));
  const std::string tail{std::istreambuf_iterator<char>(file), {}};
  const size_t end = tail.rfind("\"\n}");
  const size_t name = tail.rfind(kName, end);
  int position = -1;
  if (end == std::string::npos || name == std::string::npos) return -1;
  const size_t digits = name + kName.size();
  REQUIRE(absl::SimpleAtoi(tail.substr(digits, end - digits), &position));
  return position;
}

// Imports from `first` on by a process of its own, which is killed once it knows that `cut_after`
// more are committed. The position in the source up to which it knew.
int ImportByProcess(const AlmaStorage& storage, const AlmaServer& server, const std::string& key,
                    const Source& source, int first, int cut_after) {
  const std::string items = storage.folder() + "/items";
  const std::string answers = storage.folder() + "/answers";
  WriteItems(source, first, items);
  std::filesystem::remove(answers);
  Process process(
      {"sh", "-c",
       absl::StrCat("exec grpcurl -plaintext -H 'authorization: Bearer ", key, "' -d @ ",
                    server.address(), " alma.conversations.v1.MessagesService/ImportMessages < ",
                    items, " > ", answers)});
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (LastCommitted(answers) < cut_after && absl::Now() < deadline) {
    INFO(process.Errors());
    REQUIRE(process.Running());
    absl::SleepFor(absl::Milliseconds(2));
  }
  process.Signal(SIGKILL);
  CHECK(process.Wait(absl::Seconds(10)).exit_code == 128 + SIGKILL);
  return first + LastCommitted(answers);
}

// Imports what is left and checks the whole.
void ImportRest(const Client& client, const Source& source, int committed) {
  const Imported rest = ImportFrom(client, source, committed + 1);
  INFO(AllOf(rest.status));
  CHECK(rest.status.ok());
  CHECK_FALSE(rest.refused);
  CHECK(rest.committed == kMessages - 1);
  CheckImported(client, source);
}

// Takes the database away while an import goes on and gives it back, kCuts times.
void ImportWhileTaken(const Client& client, const AlmaServer& server, const Source& source,
                      const std::function<void()>& take, const std::function<void()>& give_back) {
  int committed = -1;
  for (int round = 0; round < kCuts; ++round) {
    const int before = committed;
    std::atomic<int> left = CutAfter(round, committed);
    Imported imported{};
    std::thread importer([&] {
      imported = ImportFrom(client, source, before + 1, [&](grpc::ClientContext&) { --left; });
      left = 0;
    });
    while (left > 0) absl::SleepFor(absl::Milliseconds(1));
    take();
    importer.join();
    INFO(AllOf(imported.status));
    CHECK(imported.status.error_code() == grpc::StatusCode::UNAVAILABLE);
    CHECK(ReasonOf(imported.status) == "DATABASE_UNAVAILABLE");
    CHECK_FALSE(imported.refused);
    committed = imported.committed;
    CHECK(committed > before);
    CHECK(committed < kMessages - 1);
    give_back();
    REQUIRE(HealthBecomes(server.channel(), "SERVING", kBack));
    // Callers are refused for a moment after the last connection that failed.
    absl::SleepFor(absl::Seconds(1));
  }
  ImportRest(client, source, committed);
}

TEST_CASE("an import that its client cancels and resumes has each message once and in order",
          "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const AlmaStorage storage(engine);
  const std::string key = Bootstrap(storage).secret;
  AlmaServer server(storage);
  const Client client(server.channel(), key);
  const Source source{CreateConversations(client, kConversations), kMessages};
  int committed = -1;
  for (int round = 0; round < kCuts; ++round) {
    int left = CutAfter(round, committed);
    const Imported imported =
        ImportFrom(client, source, committed + 1, [&](grpc::ClientContext& context) {
          if (--left == 0) context.TryCancel();
        });
    CHECK(imported.status.error_code() == grpc::StatusCode::CANCELLED);
    CHECK_FALSE(imported.refused);
    REQUIRE(imported.committed > committed);
    // Else the cuts met no import.
    REQUIRE(imported.committed < kMessages - 1);
    committed = imported.committed;
  }
  ImportRest(client, source, committed);
}

TEST_CASE("an import whose client is killed and resumed has each message once and in order",
          "[long]") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const AlmaStorage storage(engine);
  const std::string key = Bootstrap(storage).secret;
  AlmaServer server(storage);
  const Client client(server.channel(), key);
  const Source source{CreateConversations(client, kConversations), kMessages};
  int committed = -1;
  for (int round = 0; round < kCuts; ++round) {
    const int before = committed;
    committed =
        ImportByProcess(storage, server, key, source, committed + 1, CutAfter(round, committed));
    REQUIRE(committed > before);
    REQUIRE(committed < kMessages - 1);
  }
  ImportRest(client, source, committed);
}

TEST_CASE("an import whose PostgreSQL crashes and is resumed has each message once and in order",
          "[long]") {
  PostgresCluster cluster;
  const AlmaStorage storage(cluster.url());
  const std::string key = Bootstrap(storage).secret;
  AlmaServer server(storage);
  const Client client(server.channel(), key);
  const Source source{CreateConversations(client, kConversations), kMessages};
  ImportWhileTaken(
      client, server, source, [&] { cluster.Crash(); }, [&] { cluster.Restart(); });
}

TEST_CASE("an import whose SQLite file goes away and is resumed has each message once and in order",
          "[long]") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string key = Bootstrap(storage).secret;
  AlmaServer server(storage);
  const Client client(server.channel(), key);
  const Source source{CreateConversations(client, kConversations), kMessages};
  const std::string file = storage.data_dir() + "/conversations.db";
  ImportWhileTaken(
      client, server, source, [&] { std::filesystem::rename(file, file + ".elsewhere"); },
      [&] { std::filesystem::rename(file + ".elsewhere", file); });
}

}  // namespace
}  // namespace alma::testing
