#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tests/common/tenant/notes.h"

// Creates of many callers in one round, for the tests of common/tenant.
namespace alma::tenant {

using Answer = absl::StatusOr<Message>;

// Both tables, empty, in a database of their own.
struct Stored {
  explicit Stored(db::Engine engine)
      : database(engine, NoteSchema()),
        notes(*database, Notes()),
        reminders(*database, Reminders()) {}

  int64_t Count(std::string_view sql) { return testing::SelectInt64(*database, sql); }

  testing::TestDatabase database;
  Store<Message> notes;
  Store<FollowUp> reminders;
};

// Runs `meanwhile` while a transaction of its own keeps the lock of the organization; OK, or what
// became of that transaction.
absl::Status WhileLocked(db::Database& database, std::string_view organization,
                         const std::function<void()>& meanwhile);

// What create `i` of those that are made together has to say of itself.
struct Wanted {
  Message note;
  std::function<rpc::Call()> call = testing::Us;
  std::function<absl::Status()> check_awaited = [] { return absl::OkStatus(); };
  std::function<absl::Status()> check_known = {};
};

std::vector<Wanted> AllOf(const std::vector<Message>& notes);

// Creates notes without waiting for one after the other, and keeps their answers.
class InFlight {
 public:
  explicit InFlight(Store<Message>& notes) : notes_(notes) {}
  // Waits for all answers.
  ~InFlight();

  void Create(const Wanted& wanted) ABSL_LOCKS_EXCLUDED(mutex_);
  bool AllAnswered() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool AnyAnswered() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Once all are there: in the order of the creates.
  std::vector<Answer> Answers() const ABSL_LOCKS_EXCLUDED(mutex_);
  bool EachAnsweredOnce() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Of the creates, in the order in which they were answered.
  std::vector<size_t> Order() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  bool Complete() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return order_.size() >= answers_.size();
  }

  Store<Message>& notes_;
  mutable absl::Mutex mutex_;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<size_t> order_ ABSL_GUARDED_BY(mutex_);
};

// Their answers when all of them share one round: the lane is kept busy meanwhile.
struct Together {
  Together(Stored& stored, const std::vector<Wanted>& wanted);

  bool AllAnsweredOnce() const { return answered_once; }

  std::vector<Answer> answers;
  bool answered_once = false;
};

}  // namespace alma::tenant
