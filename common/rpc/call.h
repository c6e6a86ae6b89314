#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "absl/time/time.h"
#include "alma/auth/v1/principal.pb.h"

namespace alma::rpc {

// What a handler is told about the call that it answers.
struct Call {
  const auth::v1::Principal& caller;
  absl::Time deadline;
  // Where it answers a stream: the bytes of answers with which a run is to end, and leave the rest
  // to the next. Not 0. The last answer may take it beyond that.
  size_t answer_bytes = std::numeric_limits<size_t>::max();

  const std::string& organization() const { return caller.organization_uuid(); }
};

}  // namespace alma::rpc
