#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace alma::rpc {

// The end of a call that is answered later than its handler returns.
template <typename Response>
struct Completion {
  // OK while somebody waits for the answer, else the status to finish with. From any thread, until
  // `finish` is called.
  std::function<absl::Status()> check_awaited;
  // Ends the call. Exactly once, from any thread.
  std::function<void(absl::StatusOr<Response>)> finish;
  // As check_admitted as far as it is known without blocking. None: as check_awaited.
  std::function<absl::Status()> check_known = {};
  // As check_awaited, and whether the caller may still make the call. May block. By one thread at a
  // time; the Call that the handler was given ends with it.
  std::function<absl::Status()> check_admitted = {};
  // Whether the handler was given it on a worker, where it may block after all.
  bool on_worker = false;
};

}  // namespace alma::rpc
