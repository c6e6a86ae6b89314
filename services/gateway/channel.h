#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "common/rpc/tls.h"

namespace alma::gateway {

// How backends at host:port are called; unix sockets are without TLS.
struct BackendTls {
  // Null for plain text.
  std::shared_ptr<const rpc::Tls> tls = nullptr;
  // For which name, or IP address, their certificates have to be; empty for the host of each
  // address.
  std::string server_name;
};

// An address ("host:port", "unix:/path") as gRPC's target.
std::string TargetOf(const std::string& address);

// A channel to `target` with a connection of its own, by common/rpc/connection.h. It connects
// again by itself; where a host name stands for several addresses, calls go to them in turn.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target, const BackendTls& tls);

}  // namespace alma::gateway
