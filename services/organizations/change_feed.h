#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/db/database.h"

namespace alma::organizations {

// Tells followers what changes of keys and organizations, whichever process of the database made
// it. One thread looks at the database for all of them, and only while there are any. Thread-safe.
class ChangeFeed {
 public:
  // How often it looks: what another process has changed is seen within this time.
  static constexpr absl::Duration kLookEvery = absl::Milliseconds(250);
  static constexpr absl::Duration kHeartbeatEvery = absl::Milliseconds(500);
  // What the database said holds this long: a heartbeat does not rest on anything older.
  static constexpr int kFreshMillis = 500;
  static constexpr absl::Duration kFresh = absl::Milliseconds(kFreshMillis);
  // For each look, and each page of a follower that lags behind.
  static constexpr absl::Duration kReadTimeout = absl::Seconds(2);
  // The newest changes, which are kept in memory. Who follows from further back reads pages.
  static constexpr size_t kKept = 1000;
  static constexpr int64_t kRowsPerPage = 1000;

  // One caller of ListKeyChanges. The feed outlives it. Not thread-safe.
  class Follower {
   public:
    using Response = v1::ListKeyChangesResponse;
    ~Follower();

    // Appends what there is to send now, maybe nothing, and returns whether there is more already.
    // UNAVAILABLE, now and from then on, when the database could not be asked, or after Close.
    absl::StatusOr<bool> Next(absl::Time deadline, std::vector<Response>* responses);

   private:
    friend class ChangeFeed;
    Follower(ChangeFeed& feed, int64_t after, std::function<void()> wake);
    bool IsDue(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(feed_.mutex_);
    void AppendKept(std::vector<Response>* responses) ABSL_EXCLUSIVE_LOCKS_REQUIRED(feed_.mutex_);
    absl::StatusOr<bool> ReadPage(absl::Time deadline, int64_t newest,
                                  std::vector<Response>* responses)
        ABSL_LOCKS_EXCLUDED(feed_.mutex_);

    ChangeFeed& feed_;
    const std::function<void()> wake_;
    // The first look that began after this follower had come.
    int64_t first_look_ ABSL_GUARDED_BY(feed_.mutex_);
    // Everything up to here has been sent. -1: not known yet, from now on.
    int64_t after_ ABSL_GUARDED_BY(feed_.mutex_);
    absl::Time heartbeat_due_ ABSL_GUARDED_BY(feed_.mutex_) = absl::InfinitePast();
  };

  explicit ChangeFeed(db::Database& database);
  // After the last follower.
  ~ChangeFeed();

  // Follows from behind `after_change_seq`, as ListKeyChangesRequest has it. `wake` is called when
  // Next may have something to send, with the feed's lock held: it must not block, nor call Next.
  std::unique_ptr<Follower> Follow(int64_t after_change_seq, std::function<void()> wake)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Looks at once: this process has made a change.
  void Look() ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all followers, also those to come.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What the looks since the last failure have shown.
  struct Seen {
    int64_t newest;
    // All changes after `after`, up to `newest`.
    int64_t after;
    std::deque<v1::ListKeyChangesResponse> changes;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until it is time to look; the newest change seen so far, false where the feed is closed.
  bool AwaitLook(std::optional<int64_t>* newest) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Seen> Read(std::optional<int64_t> newest);
  void Note(absl::StatusOr<Seen> seen, absl::Time began) ABSL_LOCKS_EXCLUDED(mutex_);
  bool MayLook() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  db::Database& database_;

  absl::Mutex mutex_;
  std::set<Follower*> followers_ ABSL_GUARDED_BY(mutex_);
  // Set after every look that did not fail.
  std::optional<Seen> seen_ ABSL_GUARDED_BY(mutex_);
  absl::Time seen_at_ ABSL_GUARDED_BY(mutex_);
  // Looks count from 1.
  int64_t looks_begun_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_look_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_failure_ ABSL_GUARDED_BY(mutex_) = -1;
  absl::Time next_look_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  bool look_now_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alma::organizations
