#pragma once

#include <string>

#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"

namespace alma::rpc {

// How long a client is asked to wait when a queue of the server is full.
inline constexpr absl::Duration kRetryOverload = absl::Milliseconds(100);

// What a handler is told about the call that it answers.
struct Call {
  const auth::v1::Principal& caller;
  absl::Time deadline;

  const std::string& organization() const { return caller.organization_uuid(); }
};

}  // namespace alma::rpc
