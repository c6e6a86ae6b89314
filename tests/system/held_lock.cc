#include "tests/system/held_lock.h"

#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/database.h"
#include "tests/support/eventually.h"

namespace alma::testing {
namespace {

// PostgreSQL ends a transaction that is idle for 30 s.
constexpr absl::Duration kLongest = absl::Seconds(25);

constexpr char kCountWaiting[] =
    "select count(*) from pg_stat_activity where datname = current_database() and "
    "wait_event_type = 'Lock'";

}  // namespace

HeldLock::HeldLock(const AlmaStorage& storage, std::string_view name, std::string_view lock)
    : database_(storage.Open(name)),
      other_(storage.Open(name)),
      holder_([this, statement = std::string(lock)] { Hold(statement); }) {
  held_.WaitForNotification();
  // No destructor runs behind an assertion that fails here.
  if (!locked_) Release();
  REQUIRE(locked_);
}

void HeldLock::Hold(const std::string& lock) {
  const auto hold = [&](db::Session& session) -> absl::Status {
    session.Discard();
    if (session.IsRemote()) {
      const auto taken = session.Query(lock, {}, [](db::Row&) {});
      if (!taken.ok()) return taken.status();
    }
    locked_ = true;
    held_.Notify();
    release_.WaitForNotificationWithTimeout(kLongest);
    return absl::OkStatus();
  };
  database_->Write(absl::Now() + kLongest, hold).IgnoreError();
  if (!held_.HasBeenNotified()) held_.Notify();
}

bool HeldLock::AwaitSessions(int sessions, absl::Duration on_sqlite) {
  if (database_->location().engine == db::Engine::kSqlite) {
    absl::SleepFor(on_sqlite);
    return true;
  }
  return Eventually([&] { return SelectInt64(*other_, kCountWaiting) >= sessions; },
                    absl::Seconds(10));
}

void HeldLock::Release() {
  if (!release_.HasBeenNotified()) release_.Notify();
  if (holder_.joinable()) holder_.join();
}

}  // namespace alma::testing
