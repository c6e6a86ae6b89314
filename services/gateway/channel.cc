#include "services/gateway/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/rpc/address.h"
#include "common/rpc/connection.h"

namespace alma::gateway {

std::string TargetOf(const std::string& address) {
  if (rpc::IsUnix(address)) return address;
  if (rpc::IsIpv4(rpc::HostOf(address))) return absl::StrCat("ipv4:", address);
  if (address.starts_with("[")) {
    return absl::StrCat("ipv6:", absl::StrReplaceAll(address, {{"[", "%5B"}, {"]", "%5D"}}));
  }
  return absl::StrCat("dns:///", address);
}

std::shared_ptr<grpc::Channel> NewChannel(const std::string& target, const BackendTls& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(rpc::kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, rpc::kMaxMetadataBytes);
  // The one that connects again without a call.
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, rpc::kMinReconnectPauseMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, rpc::kMaxReconnectPauseMillis);
  // In spite of its name what a try may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, rpc::kConnectTimeoutMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, rpc::kGatewayKeepaliveTimeMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, rpc::kGatewayKeepaliveTimeoutMillis);
  // Also while a call waits for long.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A probe that meets the end of a backend's connection loses the answer that was sent before it.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  // What a name server or the environment says must not change where principals are sent.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (tls.tls == nullptr || rpc::IsUnix(target)) {
    return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  }
  if (!tls.server_name.empty()) arguments.SetSslTargetNameOverride(tls.server_name);
  return grpc::CreateCustomChannel(target, tls.tls->ChannelCredentials(), arguments);
}

}  // namespace alma::gateway
