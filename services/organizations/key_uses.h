#pragma once

#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/db/database.h"

namespace alma::organizations {

// Writes when keys were last used, behind the calls that use them: a thread of its own gathers the
// keys and writes many with one statement. What it cannot write it drops, as the next use of the
// key comes to it again. Thread-safe.
class KeyUses {
 public:
  // A key's last_used is written at most once in this time, also by several processes.
  static constexpr absl::Duration kWriteEvery = absl::Minutes(1);
  // How long uses are gathered before they are written.
  static constexpr absl::Duration kGather = absl::Seconds(1);
  // Keys used in the last kWriteEvery. Uses of more are dropped.
  static constexpr size_t kCapacity = 100'000;
  // Keys of one statement, which is a transaction.
  static constexpr size_t kKeysPerWrite = 256;
  static constexpr absl::Duration kWriteTimeout = absl::Seconds(2);

  explicit KeyUses(db::Database& database);
  // Writes what it still has, within kWriteTimeout.
  ~KeyUses();

  // Notes that the key is used now. Neither blocks on the database nor fails.
  void Note(const std::string& api_key_uuid) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for the next keys to write; false when there will be none any more.
  bool Gather(std::vector<std::string>* uuids) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Write(absl::Span<const std::string> uuids, absl::Time deadline);
  void Drop(absl::Span<const std::string> uuids) ABSL_LOCKS_EXCLUDED(mutex_);

  db::Database& database_;
  absl::Mutex mutex_;
  // When each key was noted last, of the last kWriteEvery.
  absl::flat_hash_map<std::string, absl::Time> noted_ ABSL_GUARDED_BY(mutex_);
  // Of these, the ones not written yet.
  std::vector<std::string> pending_ ABSL_GUARDED_BY(mutex_);
  // Whether a use was dropped for want of room.
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alma::organizations
