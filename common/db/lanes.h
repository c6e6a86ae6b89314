#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/db/lane.h"
#include "common/db/queued_write.h"
#include "common/db/session.h"

namespace alma::db {

// What one lane holds and takes at a time.
inline constexpr size_t kMaxLaneWrites = 4096;
inline constexpr size_t kMaxLaneBytes = 64 * 1024 * 1024;
inline constexpr size_t kMaxRoundWrites = 256;
inline constexpr size_t kMaxRoundBytes = 4 * 1024 * 1024;
// How long a client is asked to wait, at least, when its lane is full.
inline constexpr absl::Duration kRetryFullLane = absl::Milliseconds(100);

// RESOURCE_EXHAUSTED (OVERLOADED): what a write is refused with when its lane is full.
absl::Status LaneFull();

// Puts the writes of many callers into few transactions: those of an organization wait in one Lane,
// and a round of it is one transaction, with one BatchWriter::Write for each organization and
// table. A transaction that fails with INTERNAL is run again by halves, until who made it fail
// stands alone.
//
// An organization whose lock somebody else keeps (Session::LockedFor) leaves the round, so that
// the others do not wait for it, and its writes go to the patient lane, a last one beside the
// others, where each organization has a transaction of its own and those that are locked are tried
// in turn. What else it submits follows them there until all of it has been through. Thread-safe.
class Lanes {
 public:
  using Body = absl::FunctionRef<absl::Status(Session&)>;
  // Runs a function as Database::Write does.
  using Transact = std::function<absl::Status(absl::Time deadline, Body body)>;

  // In both a session may give up a lock, in `patient` after a longer wait.
  Lanes(int count, Transact brief, Transact patient);

  // Runs what was taken.
  ~Lanes();

  // Takes the write, or returns false and leaves it where its lane is full, or so long that the
  // write would probably not be stored within half of the time to its deadline. Writes of one
  // organization and writer are stored in the order in which they are taken.
  [[nodiscard]] bool Submit(std::unique_ptr<QueuedWrite>& write);

 private:
  using Owned = std::unique_ptr<QueuedWrite>;
  using Rest = Lane<Owned>::Rest;

  Rest RunRound(std::vector<Owned> writes);
  Rest RunPatientRound(std::vector<Owned> writes);
  // Writes and finishes as many of an organization's as a round takes, and takes them and those
  // that nobody waits for out of `own`; leaves the others, in their order, as where it is locked.
  void RunPatiently(const std::string& organization, std::vector<Owned>& own);
  // Moves a write to the patient lane; false, with the write left, where that is full.
  bool HandOver(Owned& write) ABSL_LOCKS_EXCLUDED(mutex_);
  void NoteLeft(const std::string& organization, size_t writes) ABSL_LOCKS_EXCLUDED(mutex_);
  // The organizations that have writes in the patient lane.
  std::set<std::string> InPatientLane() const ABSL_LOCKS_EXCLUDED(mutex_);

  const Transact brief_;
  const Transact patient_;
  mutable absl::Mutex mutex_;
  // How many writes each of them has there. An organization's own lane alone adds it.
  std::map<std::string, size_t> in_patient_lane_ ABSL_GUARDED_BY(mutex_);
  Lane<Owned> patient_lane_;
  // Last: their rounds hand over to the patient one.
  std::vector<std::unique_ptr<Lane<Owned>>> lanes_;
};

}  // namespace alma::db
