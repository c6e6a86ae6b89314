#include "common/rpc/hold.h"

namespace alma::rpc {

void Hold::Begin() {
  absl::MutexLock lock(&mutex_);
  held_ = true;
}

void Hold::End() {
  std::vector<Call> calls;
  {
    absl::MutexLock lock(&mutex_);
    held_ = false;
    calls.swap(kept_);
  }
  for (Call& call : calls) call();
}

void Hold::Keep(Call call) {
  {
    absl::MutexLock lock(&mutex_);
    if (held_) {
      kept_.push_back(std::move(call));
      return;
    }
  }
  call();
}

}  // namespace alma::rpc
