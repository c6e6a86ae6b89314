#include "common/db/pool.h"

#include <utility>

#include "common/limit/clock.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

// While a database is away, callers are refused at once instead of each waiting for its own connect
// timeout.
constexpr absl::Duration kConnectPause = absl::Milliseconds(200);

}  // namespace

Pool::Pool(const Location& location, Access access, int size) {
  for (int i = 0; i < size; ++i) free_.push_back(std::make_unique<Session>(location, access));
}

Pool::Lease::~Lease() {
  if (session_ != nullptr) pool_->Return(std::move(session_));
}

absl::StatusOr<Pool::Lease> Pool::Take(absl::Time deadline, bool fresh) {
  std::unique_ptr<Session> session;
  bool may_connect = true;
  {
    absl::MutexLock lock(&mutex_);
    const auto any_free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !free_.empty(); };
    if (!mutex_.AwaitWithDeadline(absl::Condition(&any_free), deadline)) {
      return status::DeadlineExceeded();
    }
    session = std::move(free_.back());
    free_.pop_back();
    may_connect = limit::MonotonicNow() >= no_connect_before_;
  }
  Lease lease(*this, std::move(session));
  if (fresh) lease->Disconnect();
  if (lease->Connected()) return lease;
  if (!may_connect) return status::DatabaseUnavailable();
  const absl::Status connected = lease->Connect();
  if (connected.ok()) return lease;
  absl::MutexLock lock(&mutex_);
  no_connect_before_ = limit::MonotonicNow() + kConnectPause;
  return connected;
}

void Pool::Return(std::unique_ptr<Session> session) {
  session->Reset();
  absl::MutexLock lock(&mutex_);
  free_.push_back(std::move(session));
}

}  // namespace alma::db
