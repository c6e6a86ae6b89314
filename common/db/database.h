#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <type_traits>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/db/lanes.h"
#include "common/db/location.h"
#include "common/db/pool.h"
#include "common/db/schema.h"
#include "common/db/session.h"

namespace alma::db {

// One database and the sessions on it. Thread-safe.
//
// Read and Write run `fn`, which returns absl::Status or absl::StatusOr<T>, and answer what it
// answered. They may run it again after a conflict with another writer or a lost connection, so it
// must start from scratch each time. Beyond fn's own statuses: UNAVAILABLE (the database is gone,
// read-only, or its schema does not fit this binary), RESOURCE_EXHAUSTED (full), DEADLINE_EXCEEDED,
// INTERNAL.
class Database {
 public:
  // Connects at the first use, to what Migrate has made. `sessions` bounds the connections of Read
  // and Write on PostgreSQL, on SQLite those of Read. On PostgreSQL `lanes` write what is
  // submitted, on as many connections and one for the patient lane; on SQLite there is one, on that
  // of Write.
  Database(Location location, const Schema& schema, int sessions, int lanes = 1);
  ~Database();

  // Each statement of `fn` sees its own snapshot; none may write. On PostgreSQL the longest that
  // one takes is 30 s, also where the deadline is earlier.
  template <typename Fn>
  auto Read(absl::Time deadline, Fn&& fn) {
    return Capture(fn, [&](Body body) { return Retry(deadline, body, &Database::TryRead); });
  }

  // One transaction, read committed or stricter. It commits only if `fn` returns OK and no
  // statement failed; OK means durable. Where a statement failed, the answer is that failure,
  // whatever `fn` made of it. UNAVAILABLE after a connection that died during the commit leaves
  // open whether it happened.
  template <typename Fn>
  auto Write(absl::Time deadline, Fn&& fn) {
    return Capture(fn, [&](Body body) { return Retry(deadline, body, &Database::TryWrite); });
  }

  // Takes a write that shares its transaction with what others submit meanwhile, so that many
  // callers wait for one commit; false, with `write` left as it is, when too many wait, or for too
  // long for its deadline. Its Finish is told what Write would answer, or RESOURCE_EXHAUSTED
  // (OVERLOADED) where too many wait for a lock.
  [[nodiscard]] bool Submit(std::unique_ptr<QueuedWrite>& write) { return lanes_.Submit(write); }

  const Location& location() const { return location_; }
  const Schema& schema() const { return schema_; }

  // Looks at the database now and then every 200 ms from a thread of its own, until destruction.
  // From then on Read and Write refuse while the schema does not fit.
  void StartMonitor();

  // Whether the monitor has seen the database answer with a fitting schema within the last second.
  bool Ready() const;

 private:
  using Body = absl::FunctionRef<absl::Status(Session&)>;
  struct Attempt {
    absl::Status status;
    bool again = false;
    bool reconnect = false;
  };

  template <typename Fn, typename Run>
  static std::invoke_result_t<Fn, Session&> Capture(Fn& fn, Run run) {
    using Result = std::invoke_result_t<Fn, Session&>;
    if constexpr (std::is_same_v<Result, absl::Status>) {
      return run(fn);
    } else {
      Result result = absl::UnknownError("not run");
      const absl::Status status = run([&](Session& session) {
        result = fn(session);
        return result.status();
      });
      if (!status.ok()) return status;
      return result;
    }
  }

  absl::Status Retry(absl::Time deadline, Body body,
                     Attempt (Database::*attempt)(absl::Time, bool, Body));
  Attempt TryRead(absl::Time deadline, bool fresh, Body body);
  Attempt TryWrite(absl::Time deadline, bool fresh, Body body);
  Attempt TryWriteInLane(absl::Time deadline, bool fresh, Body body);
  Attempt TryWritePatiently(absl::Time deadline, bool fresh, Body body);
  static Attempt TryWriteOn(Pool& sessions, absl::Time deadline, bool fresh, Body body);
  static Attempt Failed(const Session& session, absl::Status status);
  void Look();
  // Logs when the database has gone or come back since the last look.
  void NoteAnswer(bool answers);

  const Location location_;
  const Schema& schema_;
  const Dialect& dialect_;
  Pool sessions_;
  // The one writer where the engine has one; empty otherwise.
  std::unique_ptr<Pool> writer_;
  // As many as there are lanes, and that of the patient one, where the engine takes several
  // writers; else none.
  Pool lane_sessions_;
  Pool patient_session_;
  Pool monitor_session_;

  std::atomic<bool> schema_fits_ = true;
  std::atomic<int64_t> last_seen_nanos_ = 0;
  // Of the monitor alone.
  bool answers_ = true;
  absl::Notification stop_;
  std::thread monitor_;
  // Last, so that what it still writes finds everything else in place.
  Lanes lanes_;
};

}  // namespace alma::db
