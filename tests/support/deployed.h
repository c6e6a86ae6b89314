#pragma once

#include <array>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "tests/support/alma_server.h"

namespace alma::testing {

// The shapes in which Alma runs: `alma serve` on either engine, and a program for each service
// behind alma-gateway on PostgreSQL.
enum class Deployment { kSqlite, kPostgresql, kSplit };

// For GENERATE(from_range(…)).
inline constexpr std::array kDeployments = {Deployment::kSqlite, Deployment::kPostgresql,
                                            Deployment::kSplit};
inline constexpr std::array kDeploymentsOnPostgresql = {Deployment::kPostgresql,
                                                        Deployment::kSplit};

std::ostream& operator<<(std::ostream& out, Deployment deployment);
db::Engine EngineOf(Deployment deployment);

// Alma in one of these shapes, ready when it is made, killed in the end.
class Deployed {
 public:
  // `storage` is on EngineOf(deployment). `flags` are for the programs that own databases,
  // `gateway_flags` for the gateway where there is one.
  Deployed(const AlmaStorage& storage, Deployment deployment,
           const std::vector<std::string>& flags = {},
           const std::vector<std::string>& gateway_flags = {});

  // Where clients call: a loopback port as grpcurl takes it, and a channel there.
  const std::string& address() const { return servers_.back()->address(); }
  const std::shared_ptr<grpc::Channel>& channel() const { return servers_.back()->channel(); }

  // The process that owns the database `conversations`.
  Process& conversations();

  // Whether no process has ended.
  bool Running();

  // Ends all with `signal`, the one that clients call first. The first exit code but 0, and what
  // they wrote. Clients that were made with the channel have to be gone.
  Finished Stop(int signal);

 private:
  void StartSplit(const AlmaStorage& storage, const std::vector<std::string>& flags,
                  const std::vector<std::string>& gateway_flags);

  // The one that clients call is the last.
  std::vector<std::unique_ptr<AlmaServer>> servers_;
  // Among them, that of the conversations.
  AlmaServer* conversations_ = nullptr;
};

}  // namespace alma::testing
