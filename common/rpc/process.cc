#include "common/rpc/process.h"

#include <sys/resource.h>

#ifdef ALMA_TCMALLOC
#include <gperftools/malloc_extension.h>
#endif

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/rpc/address.h"
#include "common/rpc/tls.h"
#include "common/status/macros.h"
#include "google/protobuf/stubs/logging.h"

ABSL_FLAG(
    std::vector<std::string>, listen, {},
    "Where to listen: host:port (port 0 picks one) or unix:/path, several by comma. By default a "
    "loopback port per program, that of alma being 127.0.0.1:7400.");
ABSL_FLAG(bool, insecure, false, "Allow listeners off loopback without TLS.");
ABSL_FLAG(
    std::string, tls_cert, "",
    "Certificate of the host:port listeners, PEM, with the intermediate ones behind it. They "
    "speak TLS with it and --tls_key. Read again when the file changes, as the next two are.");
ABSL_FLAG(std::string, tls_key, "", "Its key, PEM, which others must not be able to read.");
ABSL_FLAG(std::string, tls_client_ca, "",
          "Certificates of those who sign clients' certificates, PEM; clients need one then.");
ABSL_FLAG(int, workers, 8, "Threads that work on the databases, 1 to 256.");
ABSL_FLAG(int, queue_limit, 1024,
          "Calls that wait for a worker at most; more are refused with RESOURCE_EXHAUSTED.");
ABSL_FLAG(absl::Duration, default_deadline, absl::Seconds(30),
          "What a call without a deadline gets.");
ABSL_FLAG(
    absl::Duration, drain_notice, absl::Milliseconds(500),
    "How long to say NOT_SERVING after SIGTERM and answer as before, so that whoever looks at "
    "health sends calls elsewhere.");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(10),
          "How long calls in flight may go on after the drain's notice.");
ABSL_FLAG(std::string, metrics_listen, "default",
          "Where Prometheus reads /metrics, host:port; empty for nowhere. The default is a "
          "loopback port per "
          "program, and does without where that port is taken.");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning, error or off.");

namespace alma::rpc {
namespace {

// How long a process may take to end behind its drain: work that hangs in a database is cut off
// then.
constexpr absl::Duration kEndAfterDrain = absl::Seconds(3);

// What threads keep for themselves grows to tcmalloc's 32 MiB with time; a quarter of it makes
// calls no slower.
void LimitThreadCaches() {
#ifdef ALMA_TCMALLOC
  constexpr size_t kThreadCaches = 8 * 1024 * 1024;
  MallocExtension::instance()->SetNumericProperty("tcmalloc.max_total_thread_cache_bytes",
                                                  kThreadCaches);
#endif
}

// gRPC 1.51 stops accepting for good once a connection finds no file descriptor left, so there have
// to be as many as the system allows.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void CutOffDrain() {
  log::Error("drain_cut_off", {});
  std::_Exit(1);
}

absl::StatusOr<std::shared_ptr<const Tls>> LoadTls() {
  return Tls::ForServer({.certificate = {"--tls_cert", absl::GetFlag(FLAGS_tls_cert)},
                         .key = {"--tls_key", absl::GetFlag(FLAGS_tls_key)},
                         .authorities = {"--tls_client_ca", absl::GetFlag(FLAGS_tls_client_ca)}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Create(std::string name,
                                                         const std::string& listen,
                                                         const std::string& metrics_listen) {
  if (!log::SetUp(absl::GetFlag(FLAGS_log_level))) {
    return absl::InvalidArgumentError("--log_level: no such level");
  }
  if (absl::GetFlag(FLAGS_workers) < 1 || absl::GetFlag(FLAGS_workers) > 256) {
    return absl::InvalidArgumentError("--workers: 1 to 256");
  }
  if (absl::GetFlag(FLAGS_queue_limit) < 1) {
    return absl::InvalidArgumentError("--queue_limit: at least 1");
  }
  if (absl::GetFlag(FLAGS_default_deadline) <= absl::ZeroDuration() ||
      absl::GetFlag(FLAGS_default_deadline) > absl::Hours(1)) {
    return absl::InvalidArgumentError("--default_deadline: more than 0, at most 1h");
  }
  if (absl::GetFlag(FLAGS_drain_notice) < absl::ZeroDuration() ||
      absl::GetFlag(FLAGS_drain_notice) > absl::Hours(1)) {
    return absl::InvalidArgumentError("--drain_notice: 0 to 1h");
  }
  if (absl::GetFlag(FLAGS_drain_timeout) < absl::ZeroDuration() ||
      absl::GetFlag(FLAGS_drain_timeout) > absl::Hours(1)) {
    return absl::InvalidArgumentError("--drain_timeout: 0 to 1h");
  }
  LimitThreadCaches();
  RaiseFileLimit();
  BlockSignals();
  // It writes the names of fields that did not parse to stderr; the caller is told anyway.
  google::protobuf::SetLogHandler(nullptr);
  ASSIGN_OR_RETURN(auto tls, LoadTls());
  ServerOptions options{.name = std::move(name),
                        .listen = absl::GetFlag(FLAGS_listen),
                        .insecure = absl::GetFlag(FLAGS_insecure),
                        .tls = std::move(tls),
                        .drain_notice = absl::GetFlag(FLAGS_drain_notice)};
  if (options.listen.empty()) options.listen = {listen};
  return std::unique_ptr<Process>(new Process(std::move(options), metrics_listen));
}

Process::Process(ServerOptions options, std::string metrics_listen)
    : metrics_listen_(std::move(metrics_listen)),
      workers_(absl::GetFlag(FLAGS_workers), absl::GetFlag(FLAGS_queue_limit)),
      server_(std::move(options)) {}

Runtime& Process::UseCallers(Callers& callers, limit::Limiter* limiter) {
  runtime_ =
      std::make_unique<Runtime>(Runtime{.workers = workers_,
                                        .callers = callers,
                                        .metrics = metrics_,
                                        .hold = server_.hold(),
                                        .default_deadline = absl::GetFlag(FLAGS_default_deadline),
                                        .limiter = limiter});
  return *runtime_;
}

int Process::workers() const { return absl::GetFlag(FLAGS_workers); }

absl::Status Process::ExposeMetrics() {
  std::string address = absl::GetFlag(FLAGS_metrics_listen);
  if (address.empty()) return absl::OkStatus();
  const bool by_default = address == "default";
  if (by_default) address = metrics_listen_;
  RETURN_IF_ERROR(CheckAddress("--metrics_listen", address, absl::GetFlag(FLAGS_insecure)));
  absl::StatusOr<std::shared_ptr<prometheus::Exposer>> exposer = metrics::Expose(address, metrics_);
  if (exposer.ok()) {
    exposer_ = *std::move(exposer);
    return absl::OkStatus();
  }
  if (!by_default) {
    return absl::UnavailableError(absl::StrCat("--metrics_listen: cannot listen on ", address));
  }
  log::Warning("no_metrics", {{"address", address}});
  return absl::OkStatus();
}

absl::Status Process::Run() {
  RETURN_IF_ERROR(ExposeMetrics());
  RETURN_IF_ERROR(server_.Start());
  WaitForSignal();
  const absl::Duration timeout = absl::GetFlag(FLAGS_drain_timeout);
  std::thread([end = absl::GetFlag(FLAGS_drain_notice) + timeout + kEndAfterDrain] {
    absl::SleepFor(end);
    CutOffDrain();
  }).detach();
  std::thread([] {
    WaitForSignal();
    CutOffDrain();
  }).detach();
  server_.Drain(timeout);
  return absl::OkStatus();
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  const std::string line = absl::StrReplaceAll(status.message(), {{"\n", " "}});
  std::fprintf(stderr, "alma: %s\n", line.c_str());
  return status.code() == absl::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace alma::rpc
