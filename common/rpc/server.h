#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/bytes_service.h"
#include "common/rpc/connection.h"
#include "common/rpc/health.h"
#include "common/rpc/hold.h"
#include "common/rpc/reflection.h"

namespace alma::rpc {

class Tls;

struct ServerOptions {
  // The process' name in its ready lines.
  std::string name;
  // "host:port" (port 0 picks one) or "unix:/path".
  std::vector<std::string> listen;
  // Allows listeners that strangers may reach without TLS.
  bool insecure = false;
  // For all that listen on host:port; null for none. Unix sockets have no TLS.
  std::shared_ptr<const Tls> tls = nullptr;
  // How long a server that drains says NOT_SERVING and answers as before, so that whoever looks at
  // health sends its calls elsewhere.
  absl::Duration drain_notice = absl::ZeroDuration();
  absl::Duration max_connection_age = absl::Milliseconds(kMaxConnectionAgeMillis);
};

// Listens for a set of services, with health and reflection, which need no key.
class Server {
 public:
  explicit Server(ServerOptions options);
  ~Server();

  const std::vector<std::string>& listen() const { return options_.listen; }

  // What unary calls pass; outlives them.
  Hold& hold() { return hold_; }

  // Before Start. `ready` says whether the service can answer now; health follows it within 200 ms,
  // that of "" is that of all services together. `service` and `ready` outlive the server.
  void Add(BytesService& service, std::function<bool()> ready);

  // Listens, then prints a ready line per listener on stdout. FAILED_PRECONDITION for a listener
  // off loopback without `insecure` or `tls`, INVALID_ARGUMENT for one that is no address,
  // UNAVAILABLE where one cannot be had. Errors are for the operator.
  absl::Status Start();

  // Says NOT_SERVING and answers as before for `drain_notice`. Then ends endless streams, tells
  // clients to connect elsewhere, takes no new calls and waits for those in flight up to `timeout`;
  // those that last longer end with UNAVAILABLE.
  void Drain(absl::Duration timeout);

 private:
  struct Served {
    BytesService* service;
    std::function<bool()> ready;
  };
  void Shutdown(absl::Time deadline);
  void Configure(grpc::ServerBuilder& builder);
  void ReportHealth();

  const ServerOptions options_;
  std::vector<Served> served_;
  std::vector<std::string> names_;
  Hold hold_;
  HealthService health_;
  ReflectionService reflection_;
  ReflectionService reflection_alpha_;
  std::unique_ptr<grpc::Server> server_;
  absl::Notification draining_;
  std::thread reporting_;
};

// Blocks SIGTERM and SIGINT in this thread and those that it starts from now on, so that
// WaitForSignal gets them, and ignores SIGPIPE. Call it before any thread starts.
void BlockSignals();
// Returns at the first SIGTERM or SIGINT.
void WaitForSignal();

}  // namespace alma::rpc
