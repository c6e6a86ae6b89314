#pragma once

#include <string>

#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"

namespace alma::rpc {

// What a handler is told about the call that it answers.
struct Call {
  const auth::v1::Principal& caller;
  absl::Time deadline;

  const std::string& organization() const { return caller.organization_uuid(); }
};

}  // namespace alma::rpc
