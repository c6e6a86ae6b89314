#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/db/session.h"

namespace alma::db {

// A fixed number of sessions, connected when first taken and again after their connection died.
// Thread-safe.
class Pool {
 public:
  Pool(const Location& location, Access access, int size);

  // A session of one's own until the lease ends. The pool outlives its leases.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Session> session)
        : pool_(&pool), session_(std::move(session)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Session& operator*() const { return *session_; }
    Session* operator->() const { return session_.get(); }

   private:
    Pool* pool_;
    std::unique_ptr<Session> session_;
  };

  // With `fresh` on a connection made for it. DEADLINE_EXCEEDED when none came free in time,
  // UNAVAILABLE when the database cannot be reached.
  absl::StatusOr<Lease> Take(absl::Time deadline, bool fresh = false) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Return(std::unique_ptr<Session> session) ABSL_LOCKS_EXCLUDED(mutex_);

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Session>> free_ ABSL_GUARDED_BY(mutex_);
  // On limit::MonotonicNow: the wall clock may be set back.
  absl::Duration no_connect_before_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alma::db
