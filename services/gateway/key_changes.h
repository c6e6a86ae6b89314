#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "alma/auth/v1/principal.pb.h"

namespace alma::gateway {

// Whose keys a unary call may have changed that ended with `status`: the organization that its
// answer names or, where a call may have been carried out though nobody knows, that of its caller.
// nullopt where it changes no keys, or has been refused. `path` is that of the method.
std::optional<std::string> ChangedOrganization(std::string_view path, const grpc::Status& status,
                                               const grpc::ByteBuffer& answer,
                                               const auth::v1::Principal& caller);

}  // namespace alma::gateway
