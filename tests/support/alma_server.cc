#include "tests/support/alma_server.h"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "tests/support/secrets.h"

namespace alma::testing {
namespace {

constexpr absl::Duration kReadyTimeout = absl::Seconds(60);
constexpr absl::Duration kStopTimeout = absl::Seconds(30);

std::string Program(const std::string& name) {
  const char* folder = std::getenv("ALMA_BIN_DIR");
  if (folder == nullptr) {
    FAIL("$ALMA_BIN_DIR is not set; it names the folder of the built programs");
  }
  return absl::StrCat(folder, "/", name);
}

google::protobuf::Struct ParseJson(const std::string& text) {
  google::protobuf::Struct json;
  INFO(text);
  REQUIRE(google::protobuf::util::JsonStringToMessage(text, &json).ok());
  return json;
}

void WriteSecretFile(const std::string& path) {
  std::ofstream(path) << std::string(64, '7') << '\n';
  chmod(path.c_str(), S_IRUSR | S_IWUSR);
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Servers of one test case come and go on the same ports; none inherits another's connection or
  // its back-off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

AlmaStorage::AlmaStorage(db::Engine engine)
    : database_(engine == db::Engine::kPostgresql ? std::make_unique<PostgresDatabase>() : nullptr),
      url_(database_ == nullptr ? "" : database_->url()) {
  WriteSecretFile(secret_file());
}

AlmaStorage::AlmaStorage(std::string url) : url_(std::move(url)) { WriteSecretFile(secret_file()); }

std::string AlmaStorage::location_flag() const {
  return url_.empty() ? absl::StrCat("--data_dir=", data_dir()) : absl::StrCat("--database=", url_);
}

std::vector<std::string> AlmaStorage::ServeFlags() const {
  // On SQLite `serve` makes its own.
  if (url_.empty()) return {location_flag()};
  return {location_flag(), absl::StrCat("--principal_secret_file=", secret_file())};
}

std::unique_ptr<db::Database> AlmaStorage::Open(std::string_view name) const {
  // All that Database uses of it is the name.
  static constexpr db::Schema kOther{"", {}};
  const auto location =
      db::ParseLocation(url_.empty() ? absl::StrCat("sqlite://", data_dir(), "/") : url_, name);
  REQUIRE(location.ok());
  return std::make_unique<db::Database>(*location, kOther, /*sessions=*/1);
}

Finished RunAlma(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {Program("alma")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return Run(command);
}

Bootstrapped Bootstrap(const AlmaStorage& storage, const std::string& organization) {
  const Finished ended = RunAlma(
      {"bootstrap", storage.location_flag(), absl::StrCat("--organization=", organization)});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const google::protobuf::Struct json = ParseJson(ended.out);
  const auto& made = json.fields().at("organization").struct_value();
  return {made.fields().at("uuid").string_value(), json.fields().at("secret").string_value()};
}

std::vector<std::string> ServerCommand(const std::string& program,
                                       const std::vector<std::string>& flags) {
  std::vector<std::string> command = {Program(program), "--listen=127.0.0.1:0",
                                      "--metrics_listen="};
#ifdef __SANITIZE_ADDRESS__
  // The leak checker looks at the process as a debugger does.
  command.emplace_back("--allow_core");
#endif
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

std::vector<std::string> ServeCommand(const AlmaStorage& storage,
                                      const std::vector<std::string>& flags) {
  std::vector<std::string> words = {"serve"};
  for (const std::string& flag : storage.ServeFlags()) words.push_back(flag);
  words.insert(words.end(), flags.begin(), flags.end());
  return ServerCommand("alma", words);
}

std::string AwaitAddress(Process& process) {
  const auto line = process.ReadLine(kReadyTimeout);
  if (!line.has_value()) FAIL("no ready line; its stderr: " << process.Errors());
  const google::protobuf::Struct ready = ParseJson(*line);
  REQUIRE(ready.fields().at("event").string_value() == "listening");
  CHECK_FALSE(ready.fields().at("service").string_value().empty());
  return ready.fields().at("address").string_value();
}

AlmaServer::AlmaServer(const AlmaStorage& storage, const std::vector<std::string>& flags)
    : AlmaServer(ServeCommand(storage, flags)) {}

AlmaServer::AlmaServer(const std::vector<std::string>& command)
    : process_(command), address_(AwaitAddress(process_)), channel_(Connect(address_)) {}

AlmaServer::~AlmaServer() {
  const std::string secret = FindSecret(process_.Errors());
  // Not an assertion where there is none: a test case that has no other is to fail.
  if (!secret.empty()) FAIL_CHECK("a secret stands in a log: " << secret);
}

Finished AlmaServer::Stop(int signal) {
  // An idle client of gRPC looks at its connections every 5 seconds, and until then keeps the
  // server from ending.
  channel_.reset();
  process_.Signal(signal);
  return process_.Wait(kStopTimeout);
}

}  // namespace alma::testing
