#include "services/gateway/channel.h"

#include <string_view>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace alma::gateway {
namespace {

constexpr std::string_view kUnix = "unix:";

bool IsIpv4(std::string_view host) {
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

// Appends "<scheme>:<address>,<address>…".
void AddGroup(const char* scheme, const std::vector<std::string>& addresses,
              std::vector<std::string>* targets) {
  if (addresses.empty()) return;
  targets->push_back(absl::StrCat(scheme, ":", absl::StrJoin(addresses, ",")));
}

// Channels check the certificate of every address for one name.
bool ByAddress(const BackendTls& tls) { return tls.tls != nullptr && tls.server_name.empty(); }

}  // namespace

std::vector<std::string> TargetsOf(const std::vector<std::string>& addresses,
                                   const BackendTls& tls) {
  std::vector<std::string> sockets;
  std::vector<std::string> ipv4;
  std::vector<std::string> ipv6;
  std::vector<std::string> targets;
  if (addresses.size() > 1 && ByAddress(tls)) {
    targets.reserve(addresses.size());
    for (const std::string& address : addresses) targets.push_back(TargetsOf({address}).front());
    return targets;
  }
  for (const std::string& address : addresses) {
    if (address.starts_with(kUnix)) {
      sockets.push_back(address.substr(kUnix.size()));
    } else if (IsIpv4(std::string_view(address).substr(0, address.rfind(':')))) {
      ipv4.push_back(address);
    } else if (address.starts_with("[")) {
      ipv6.push_back(absl::StrReplaceAll(address, {{"[", "%5B"}, {"]", "%5D"}}));
    } else {
      targets.push_back(absl::StrCat("dns:///", address));
    }
  }
  AddGroup("unix", sockets, &targets);
  AddGroup("ipv4", ipv4, &targets);
  AddGroup("ipv6", ipv6, &targets);
  return targets;
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& target, const BackendTls& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kMinReconnectPauseMillis);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kMinReconnectPauseMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectPauseMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  // Also while a call waits for long.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // What a name server or the environment says must not change where principals are sent.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (tls.tls == nullptr || target.starts_with(kUnix)) {
    return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  }
  if (!tls.server_name.empty()) arguments.SetSslTargetNameOverride(tls.server_name);
  return grpc::CreateCustomChannel(target, tls.tls->ChannelCredentials(), arguments);
}

}  // namespace alma::gateway
