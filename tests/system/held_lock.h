#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/db/database.h"
#include "tests/support/alma_server.h"

namespace alma::testing {

// An open transaction in the database `name` that keeps others waiting: on SQLite all who want to
// write there, on PostgreSQL those who want what the statement `lock` takes. It ends by itself
// after 25 s.
class HeldLock {
 public:
  // Fails the test case where the lock is not to be had.
  HeldLock(const AlmaStorage& storage, std::string_view name, std::string_view lock);
  ~HeldLock() { Release(); }
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;

  // Whether so many sessions of PostgreSQL wait for a lock, within 10 s. SQLite does not tell who
  // waits: there it is taken for granted after `on_sqlite`.
  bool AwaitSessions(int sessions, absl::Duration on_sqlite);

  // At the end at the latest.
  void Release();

 private:
  void Hold(const std::string& lock);

  // That of the transaction, and one to look at it from outside.
  const std::unique_ptr<db::Database> database_;
  const std::unique_ptr<db::Database> other_;
  bool locked_ = false;
  absl::Notification held_;
  absl::Notification release_;
  std::thread holder_;
};

}  // namespace alma::testing
