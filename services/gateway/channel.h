#pragma once

#include <memory>
#include <string>
#include <vector>

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

// The addresses ("host:port", "unix:/path") as gRPC's targets, as few as possible: gRPC takes
// several addresses in one target where all are IPv4, IPv6 or unix sockets. A host name is a target
// of its own, since it is resolved again and again; and so is any where the certificate of each has
// to be for its own host.
std::vector<std::string> TargetsOf(const std::vector<std::string>& addresses,
                                   const BackendTls& tls = {});

// A channel with connections of its own. Calls go to the target's addresses in turn; one that
// cannot be reached is left out, and tried again at least every kMaxReconnectPauseMillis.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& target, const BackendTls& tls = {});

inline constexpr int kMinReconnectPauseMillis = 100;
inline constexpr int kMaxReconnectPauseMillis = 500;
// A peer that has vanished is noticed after their sum while a call is in flight.
inline constexpr int kKeepaliveTimeMillis = 10'000;
inline constexpr int kKeepaliveTimeoutMillis = 5'000;

}  // namespace alma::gateway
