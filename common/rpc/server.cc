#include "common/rpc/server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

#include <grpc/support/log.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/security/server_credentials.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log/json_string.h"
#include "common/log/log.h"
#include "common/rpc/address.h"
#include "common/rpc/tls.h"
#include "common/status/macros.h"

namespace alma::rpc {
namespace {

constexpr absl::Duration kReportHealthEvery = absl::Milliseconds(100);
// Before a shutdown, for whoever calls again and again to be waiting by then, and after it began,
// for clients to hear of it.
constexpr absl::Duration kHoldBefore = absl::Milliseconds(50);
constexpr absl::Duration kHoldAfter = absl::Milliseconds(100);

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// gRPC takes the socket of a running server away from it without a word.
bool SomebodyListens(const std::string& address) {
  if (!IsUnix(address)) return false;
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

std::shared_ptr<grpc::ServerCredentials> CredentialsFor(const std::string& address,
                                                        const Tls* tls) {
  const bool plain = tls == nullptr || IsUnix(address);
  return plain ? grpc::InsecureServerCredentials() : tls->ServerCredentials();
}

std::string BoundAddress(const std::string& address, int port) {
  if (IsUnix(address)) return address;
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

Server::Server(ServerOptions options)
    : options_(std::move(options)),
      names_({"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}),
      reflection_(ReflectionService::Version::kV1, names_),
      reflection_alpha_(ReflectionService::Version::kV1Alpha, names_) {
  gpr_set_log_function(LogGrpc);
}

Server::~Server() { Drain(absl::ZeroDuration()); }

void Server::Add(BytesService& service, std::function<bool()> ready) {
  names_.push_back(service.descriptor().full_name());
  served_.push_back({&service, std::move(ready)});
}

void Server::Configure(grpc::ServerBuilder& builder) {
  // Two processes on one port would take turns in answering.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMillis);
  builder.AddChannelArgument(
      GRPC_ARG_MAX_CONNECTION_AGE_MS,
      static_cast<int>(absl::ToInt64Milliseconds(options_.max_connection_age)));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kServerKeepaliveTimeMillis);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kServerKeepaliveTimeoutMillis);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinPingIntervalMillis);
  // By rpc::Inflate instead, within limits.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  // HealthService answers.
  builder.SetOption(std::make_unique<grpc::HealthCheckServiceServerBuilderOption>(nullptr));
  for (const Served& served : served_) builder.RegisterService(served.service);
  builder.RegisterService(&health_);
  builder.RegisterService(&reflection_);
  builder.RegisterService(&reflection_alpha_);
}

absl::Status Server::Start() {
  grpc::ServerBuilder builder;
  Configure(builder);
  std::vector<int> ports(options_.listen.size());
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string& address = options_.listen[i];
    RETURN_IF_ERROR(CheckAddress("--listen", address, options_.insecure || options_.tls));
    if (SomebodyListens(address)) {
      return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
    }
    builder.AddListeningPort(address, CredentialsFor(address, options_.tls.get()), &ports[i]);
  }
  ReportHealth();
  server_ = builder.BuildAndStart();
  const auto failed = std::find(ports.begin(), ports.end(), 0);
  if (failed != ports.end() || server_ == nullptr) {
    const size_t which = failed == ports.end() ? 0 : failed - ports.begin();
    return absl::UnavailableError(absl::StrCat("cannot listen on ", options_.listen[which]));
  }
  reporting_ = std::thread([this] {
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
    health_.Set(served.service->descriptor().full_name(), ready);
  }
  health_.Set("", all);
}

void Server::Drain(absl::Duration timeout) {
  if (server_ == nullptr || draining_.HasBeenNotified()) return;
  draining_.Notify();
  if (reporting_.joinable()) reporting_.join();
  health_.Drain();
  absl::SleepFor(options_.drain_notice);
  // What has no end of its own.
  health_.EndWatches();
  reflection_.EndStreams();
  reflection_alpha_.EndStreams();
  for (const Served& served : served_) served.service->Drain();
  Shutdown(absl::Now() + timeout);
  server_.reset();
}

void Server::Shutdown(absl::Time deadline) {
  if (options_.drain_notice <= absl::ZeroDuration()) {
    return server_->Shutdown(absl::ToChronoTime(deadline));
  }
  hold_.Begin();
  absl::SleepFor(kHoldBefore);
  std::thread release([this] {
    absl::SleepFor(kHoldAfter);
    hold_.End();
  });
  server_->Shutdown(absl::ToChronoTime(deadline));
  release.join();
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
