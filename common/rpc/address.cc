#include "common/rpc/address.h"

#include <charconv>
#include <cstdint>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace alma::rpc {
namespace {

bool IsLoopback(std::string_view host) {
  return (IsIpv4(host) && host.starts_with("127.")) || host == "localhost" || host == "[::1]";
}

// gRPC takes any run of digits and wraps it round.
bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
  return error == std::errc() && end == text.end();
}

}  // namespace

std::string_view HostOf(std::string_view address) { return address.substr(0, address.rfind(':')); }

bool IsIpv4(std::string_view host) {
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool IsLocal(std::string_view address) { return IsUnix(address) || IsLoopback(HostOf(address)); }

absl::Status CheckAddress(const std::string& flag, const std::string& address, bool insecure) {
  if (IsUnix(address) && address.size() > kUnix.size()) return absl::OkStatus();
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 ||
      !IsPort(std::string_view(address).substr(colon + 1))) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": '", address, "' is not host:port or unix:/path"));
  }
  if (insecure || IsLocal(address)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      flag, ": ", address, " is not on loopback and has no TLS; say --insecure if you mean it"));
}

}  // namespace alma::rpc
