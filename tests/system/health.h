#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>

#include "absl/time/time.h"

namespace alma::testing {

// What the health service says of `service`, as its enum has it, or the name of the error's code.
std::string Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service = "");

// Whether health says `wanted` within `timeout`.
bool HealthBecomes(const std::shared_ptr<grpc::Channel>& channel, const std::string& wanted,
                   absl::Duration timeout, const std::string& service = "");

}  // namespace alma::testing
