#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/support/alma_server.h"
#include "tests/system/health.h"

namespace alma::testing {
namespace {

constexpr absl::Duration kEnd = absl::Seconds(30);

// The lines of stderr that are no log.
std::vector<std::string> Complaints(const std::string& err) {
  std::vector<std::string> complaints;
  for (const auto& line : absl::StrSplit(err, '\n', absl::SkipEmpty())) {
    if (line[0] != '{') complaints.emplace_back(line);
  }
  return complaints;
}

// The run-time failure of a command: exit code 1, a line that says `words`, nothing else.
void CheckFailed(const Finished& ended, const std::string& words) {
  INFO(ended.err);
  CHECK(ended.exit_code == 1);
  CHECK(ended.out.empty());
  const std::vector<std::string> complaints = Complaints(ended.err);
  REQUIRE(complaints.size() == 1);
  CHECK_THAT(complaints[0],
             Catch::Matchers::StartsWith("alma: ") && Catch::Matchers::Contains(words));
}

Finished RunServe(const AlmaStorage& storage, const std::vector<std::string>& flags) {
  return Process(ServeCommand(storage, flags)).Wait(kEnd);
}

TEST_CASE("serve ends with 0 after SIGTERM and after SIGINT") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  const int signal = GENERATE(SIGTERM, SIGINT);
  CAPTURE(engine, signal);
  const AlmaStorage storage(engine);
  AlmaServer server(storage);
  REQUIRE(Health(server.channel()) == "SERVING");
  const Finished ended = server.Stop(signal);
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(Complaints(ended.err).empty());
}

TEST_CASE("a second signal ends serve at once") {
  const AlmaStorage storage(db::Engine::kSqlite);
  AlmaServer server(storage, {"--drain_notice=1h"});
  server.process().Signal(SIGTERM);
  // Still as before.
  absl::SleepFor(absl::Milliseconds(300));
  REQUIRE(server.process().Running());
  CHECK(Health(server.channel()) == "NOT_SERVING");
  const Finished ended = server.Stop(SIGTERM);
  CHECK(ended.exit_code == 1);
  CHECK(Complaints(ended.err).empty());
}

TEST_CASE("serve prints a ready line for each listener and answers on all") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string socket = absl::StrCat("unix:", storage.folder(), "/socket");
  Process process(
      ServeCommand(storage, {absl::StrCat("--listen=127.0.0.1:0,127.0.0.1:0,", socket)}));
  const std::string first = AwaitAddress(process);
  const std::string second = AwaitAddress(process);
  CHECK(first != second);
  CHECK(AwaitAddress(process) == socket);
  for (const std::string& address : {first, second, socket}) {
    CAPTURE(address);
    CHECK(Health(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())) == "SERVING");
  }
}

TEST_CASE("wrong usage ends with 2 and says why") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const std::string location = storage.location_flag();
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"launch"},
      {"serve", "now"},
      {"serve", "--no_such_flag"},
      {"serve", "--workers=many"},
      {"serve", "--workers=0"},
      {"serve", "--log_level=loud"},
      {"serve", "--listen=here", "--metrics_listen=", location},
      {"serve", "--migrate=sometimes", location},
      {"serve", "--database=mysql://here"},
      {"serve", "--database=postgresql:///alma", "--data_dir=there"},
      {"serve", "--database=postgresql:///alma"},
      {"migrate", "--service=billing", location},
      {"bootstrap", location},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    CAPTURE(arguments);
    const Finished ended = RunAlma(arguments);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK_FALSE(Complaints(ended.err).empty());
  }
}

TEST_CASE("version and help are printed and end with 0") {
  const Finished version = RunAlma({"--version"});
  CHECK(version.exit_code == 0);
  for (const char* word : {"alma ", "gRPC ", "protobuf ", "SQLite ", "libpq "}) {
    CHECK_THAT(version.out, Catch::Matchers::Contains(word));
  }
  const Finished help = RunAlma({"--help"});
  CHECK(help.exit_code == 0);
  for (const char* word : {"serve", "bootstrap", "migrate", "--listen", "--data_dir", "--database",
                           "--drain_timeout"}) {
    CHECK_THAT(help.out, Catch::Matchers::Contains(word));
  }
}

TEST_CASE("serve refuses a port that is taken and an address off loopback") {
  const AlmaStorage storage(db::Engine::kSqlite);
  const AlmaStorage other(db::Engine::kSqlite);
  const AlmaServer server(storage);
  CheckFailed(RunServe(other, {"--listen=" + server.address()}),
              "cannot listen on " + server.address());
  CheckFailed(RunServe(other, {"--metrics_listen=" + server.address()}), "--metrics_listen");
  CheckFailed(RunServe(other, {"--listen=0.0.0.0:0"}), "--insecure");
  CheckFailed(RunServe(other, {"--listen=127.0.0.1:0,[::]:0"}), "--insecure");
  CheckFailed(RunServe(other, {"--metrics_listen=0.0.0.0:0"}), "--insecure");
}

TEST_CASE("every command says that PostgreSQL cannot be reached and not with which password") {
  const AlmaStorage storage("postgresql://alma:hunter2@/alma?host=/nowhere");
  for (const Finished& ended :
       {RunServe(storage, {}),
        RunAlma({"bootstrap", storage.location_flag(), "--organization=Escola"}),
        RunAlma({"migrate", storage.location_flag()})}) {
    CheckFailed(ended, "database");
    CHECK_THAT(ended.err, !Catch::Matchers::Contains("hunter2"));
  }
}

TEST_CASE("the place of the databases can be read from a file") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const std::string file = storage.folder() + "/database";
  std::ofstream(file) << storage.location_flag().substr(std::string("--database=").size()) << '\n';
  CHECK(RunAlma({"bootstrap", "--database_file=" + file, "--organization=Escola"}).exit_code == 0);
  CheckFailed(RunAlma({"bootstrap", storage.location_flag(), "--organization=Escola"}), "exists");
  std::ofstream(file + ".empty") << '\n';
  for (const std::string& none : {file + ".absent", file + ".empty", storage.folder()}) {
    CAPTURE(none);
    CHECK(RunAlma({"migrate", "--database_file=" + none}).exit_code == 2);
  }
}

TEST_CASE("serve refuses a secret file that others can read or that holds no secret") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const std::string file = storage.folder() + "/shared";
  const std::string flag = "--principal_secret_file=" + file;
  CheckFailed(RunServe(storage, {flag}), file);
  std::ofstream(file) << std::string(64, 'a') << '\n';
  chmod(file.c_str(), 0640);
  CheckFailed(RunServe(storage, {flag}), "chmod 600");
  chmod(file.c_str(), 0600);
  std::ofstream(file) << "too short\n";
  const Finished ended = RunServe(storage, {flag});
  CHECK(ended.exit_code == 2);
  CHECK_THAT(ended.err, Catch::Matchers::Contains(file) && !Catch::Matchers::Contains("too short"));
}

}  // namespace
}  // namespace alma::testing
