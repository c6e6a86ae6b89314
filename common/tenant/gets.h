#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/rpc/batch_queue.h"
#include "common/rpc/call.h"
#include "common/rpc/completion.h"
#include "common/rpc/worker_pool.h"
#include "common/status/status.h"
#include "common/tenant/queued_get.h"
#include "common/tenant/store.h"

namespace alma::tenant {

// How many gets are read together at most.
inline constexpr size_t kMaxGetsTogether = 32;

// The gets of a table that come call by call: those that wait for a worker at the same time are
// read together, so that many callers share one round trip to the database. Thread-safe.
template <typename Resource>
class Gets {
 public:
  // Both outlive it, or the workers have been ended before.
  Gets(Store<Resource>& store, rpc::WorkerPool& workers)
      : store_(store),
        workers_(workers),
        queue_(workers, kMaxGetsTogether, [&store](std::vector<QueuedGet<Resource>> gets) {
          store.GetEach(absl::MakeSpan(gets));
        }) {}

  // Finishes `completion` on a worker with what Store::Get answers, or with what its
  // check_admitted does by then. A status that is not OK instead: RESOURCE_EXHAUSTED (OVERLOADED),
  // too many wait. On a worker, where the call has waited already, it is read at once; else this
  // does not block.
  absl::Status Get(const rpc::Call& call, const std::string& key,
                   rpc::Completion<Resource> completion) {
    const absl::Time deadline = call.deadline;
    const bool on_worker = completion.on_worker;
    QueuedGet<Resource> get{call.organization(), key, deadline, std::move(completion)};
    if (on_worker) {
      store_.GetEach(absl::MakeSpan(&get, 1));
      return absl::OkStatus();
    }
    if (queue_.Submit(std::move(get), deadline)) return absl::OkStatus();
    return status::Overloaded(workers_.RetryAfter());
  }

 private:
  Store<Resource>& store_;
  rpc::WorkerPool& workers_;
  rpc::BatchQueue<QueuedGet<Resource>> queue_;
};

}  // namespace alma::tenant
