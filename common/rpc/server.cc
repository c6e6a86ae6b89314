#include "common/rpc/server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <system_error>
#include <utility>

#include <grpc/support/log.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/json_string.h"
#include "common/log/log.h"
#include "common/status/macros.h"

namespace alma::rpc {
namespace {

constexpr absl::Duration kReportHealthEvery = absl::Milliseconds(100);
constexpr std::string_view kUnix = "unix:";

// A client that wants more opens another connection; each stream may hold a message of 4 MiB.
constexpr int kMaxStreamsPerConnection = 256;
// What a connection without a client behind it may cost: one that never says hello, one without
// calls, one whose peer has vanished.
constexpr int kHandshakeTimeoutMillis = 10'000;
constexpr int kMaxIdleMillis = 15 * 60'000;
constexpr int kKeepaliveTimeMillis = 60'000;
constexpr int kKeepaliveTimeoutMillis = 20'000;
// How often a client may ask whether this process is still there while a call waits. A gateway
// does.
constexpr int kMinPingIntervalMillis = 5'000;

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

bool IsLoopback(std::string_view host) {
  const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return (numeric && host.starts_with("127.")) || host == "localhost" || host == "[::1]";
}

// gRPC takes any run of digits and wraps it round.
bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
  return error == std::errc() && end == text.end();
}

// gRPC takes the socket of a running server away from it without a word.
bool SomebodyListens(const std::string& address) {
  if (!address.starts_with(kUnix)) return false;
  const std::string path = address.substr(kUnix.size());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) return false;
  path.copy(name.sun_path, path.size());
  const int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool answered = connect(file, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
  close(file);
  return answered;
}

std::string BoundAddress(const std::string& address, int port) {
  if (address.starts_with(kUnix)) return address;
  return absl::StrCat(address.substr(0, address.rfind(':') + 1), port);
}

void PrintReady(const std::string& name, const std::string& address) {
  std::string line = R"({"event":"listening","service":)";
  log::AppendJsonString(name, &line);
  line += R"(,"address":)";
  log::AppendJsonString(address, &line);
  line += "}\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

// gRPC explains every failed call and connection on stderr; what matters of it comes back as a
// Status.
void LogGrpc(gpr_log_func_args* args) { log::Debug("grpc", {{"message", args->message}}); }

}  // namespace

bool IsLocal(const std::string& address) {
  return address.starts_with(kUnix) ||
         IsLoopback(std::string_view(address).substr(0, address.rfind(':')));
}

absl::Status CheckAddress(const std::string& flag, const std::string& address, bool insecure) {
  if (address.starts_with(kUnix) && address.size() > kUnix.size()) return absl::OkStatus();
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 ||
      !IsPort(std::string_view(address).substr(colon + 1))) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": '", address, "' is not host:port or unix:/path"));
  }
  if (insecure || IsLocal(address)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      flag, ": ", address, " is not on loopback and has no TLS; say --insecure if you mean it"));
}

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      names_({"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}),
      reflection_(ReflectionService::Version::kV1, names_),
      reflection_alpha_(ReflectionService::Version::kV1Alpha, names_) {
  gpr_set_log_function(LogGrpc);
  grpc::EnableDefaultHealthCheckService(true);
}

Server::~Server() { Drain(absl::ZeroDuration()); }

void Server::Add(BytesService& service, std::function<bool()> ready) {
  names_.push_back(service.descriptor().full_name());
  served_.push_back({&service, std::move(ready)});
}

absl::Status Server::Start() {
  grpc::ServerBuilder builder;
  // Two processes on one port would take turns in answering.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMillis);
  // By rpc::Inflate instead, within limits.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  std::vector<int> ports(options_.listen.size());
  for (size_t i = 0; i < ports.size(); ++i) {
    RETURN_IF_ERROR(CheckAddress("--listen", options_.listen[i], options_.insecure));
    if (SomebodyListens(options_.listen[i])) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.listen[i]));
    }
    builder.AddListeningPort(options_.listen[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  for (const Served& served : served_) builder.RegisterService(served.service);
  builder.RegisterService(&reflection_);
  builder.RegisterService(&reflection_alpha_);
  server_ = builder.BuildAndStart();
  const auto failed = std::find(ports.begin(), ports.end(), 0);
  if (failed != ports.end() || server_ == nullptr) {
    const size_t which = failed == ports.end() ? 0 : failed - ports.begin();
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.listen[which]));
  }
  ReportHealth();
  health_ = std::thread([this] {
    while (!draining_.WaitForNotificationWithTimeout(kReportHealthEvery)) ReportHealth();
  });
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string address = BoundAddress(options_.listen[i], ports[i]);
    log::Info("listening", {{"service", options_.name}, {"address", address}});
    PrintReady(options_.name, address);
  }
  return absl::OkStatus();
}

void Server::ReportHealth() {
  bool all = true;
  for (const Served& served : served_) {
    const bool ready = served.ready();
    all = all && ready;
    server_->GetHealthCheckService()->SetServingStatus(served.service->descriptor().full_name(),
                                                       ready);
  }
  server_->GetHealthCheckService()->SetServingStatus("", all);
}

void Server::Drain(absl::Duration timeout) {
  if (server_ == nullptr || draining_.HasBeenNotified()) return;
  draining_.Notify();
  if (health_.joinable()) health_.join();
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + timeout));
  server_.reset();
}

void BlockSignals() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void WaitForSignal() {
  const sigset_t signals = StopSignals();
  int received = 0;
  while (sigwait(&signals, &received) != 0) {
  }
  log::Info("stopping", {{"signal", received}});
}

}  // namespace alma::rpc
