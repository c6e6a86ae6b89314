#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

namespace alma::gateway {

// An address ("host:port", "unix:/path") as gRPC's target.
std::string TargetOf(const std::string& address);

// A channel to `target` with a connection of its own, by common/rpc/connection.h. It connects
// again by itself; where a host name stands for several addresses, calls go to them in turn.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target);

}  // namespace alma::gateway
