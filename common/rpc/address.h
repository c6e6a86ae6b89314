#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

// The addresses that processes listen on and are called at: "host:port" or "unix:/path".
namespace alma::rpc {

inline constexpr std::string_view kUnix = "unix:";

// Whether `address` is that of a unix socket.
inline bool IsUnix(std::string_view address) { return address.starts_with(kUnix); }

// "host" of "host:port".
std::string_view HostOf(std::string_view address);

// Whether a host is written as an IPv4 address, and no name to look up.
bool IsIpv4(std::string_view host);

// Whether only this machine reaches `address`: loopback and unix sockets.
bool IsLocal(std::string_view address);

// Whether `address`, the value of `flag`, has one of the two forms and may be listened on without
// TLS. INVALID_ARGUMENT where it is no address, FAILED_PRECONDITION where strangers may reach it
// and `insecure` is not set.
absl::Status CheckAddress(const std::string& flag, const std::string& address, bool insecure);

}  // namespace alma::rpc
