#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"

namespace alma::gateway {

// The services that a gateway forwards to. Each is the name of a proto package (alma.<name>.v1) and
// of the flag with its addresses.
inline constexpr std::array<std::string_view, 4> kBackends = {"organizations", "conversations",
                                                              "agents", "analytics"};
// The one that knows the keys.
inline constexpr std::string_view kOrganizations = kBackends[0];

// The gRPC services of package alma.<backend>.* among the protos that are linked into this process,
// by name: those with a method that has a scope.
std::vector<const google::protobuf::ServiceDescriptor*> ServicesOf(std::string_view backend);

}  // namespace alma::gateway
