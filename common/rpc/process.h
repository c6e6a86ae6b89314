#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/metrics/exposer.h"
#include "common/metrics/metrics.h"
#include "common/rpc/bytes_service.h"
#include "common/rpc/caller.h"
#include "common/rpc/server.h"
#include "common/rpc/worker_pool.h"

namespace alma::rpc {

// What every server process is made of, after the flags that all of them share: --listen --insecure
// --tls_cert --tls_key --tls_client_ca --workers --queue_limit --default_deadline --drain_notice
// --drain_timeout --metrics_listen --log_level --allow_core (see --help).
class Process {
 public:
  // Call it first in a process, before any thread. `listen` and `metrics_listen` are used where the
  // flags are not given. INVALID_ARGUMENT for a flag with a value out of range; errors of
  // Tls::ForServer.
  static absl::StatusOr<std::unique_ptr<Process>> Create(std::string name,
                                                         const std::string& listen,
                                                         const std::string& metrics_listen);

  // Before Run. See Server::Add.
  void Add(BytesService& service, std::function<bool()> ready) {
    server_.Add(service, std::move(ready));
  }

  // What the services are built with; `callers` and `limiter`, of which there may be none, outlive
  // the process' services.
  Runtime& UseCallers(Callers& callers, limit::Limiter* limiter = nullptr);

  int workers() const;
  // The addresses that Run will listen on.
  const std::vector<std::string>& listen() const { return server_.listen(); }

  // Serves until SIGTERM or SIGINT, then drains; a second one ends the process at once, with 1.
  // Errors are those of Server::Start and of the metrics listener.
  absl::Status Run();

 private:
  Process(ServerOptions options, std::string metrics_listen);
  absl::Status ExposeMetrics();

  const std::string metrics_listen_;
  metrics::Calls metrics_;
  std::shared_ptr<prometheus::Exposer> exposer_;
  WorkerPool workers_;
  std::unique_ptr<Runtime> runtime_;
  Server server_;
};

// 0; else the status' text as one line on stderr and 2 for INVALID_ARGUMENT (wrong usage), 1 for
// all others.
int ExitCode(const absl::Status& status);

}  // namespace alma::rpc
