#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/auth/key_cache.h"

namespace alma::auth {

// The calls that stay open for as long as their key has their scope. Thread-safe.
class KeyWatches {
 public:
  // Whether a key holds for a scope by what is remembered; does not block.
  using Holds = std::function<bool(const KeyHash&, std::string_view scope)>;
  // Told OK where the key holds, after it did not for a moment, and otherwise why it does not, with
  // every look at it until its watch ends. On another thread, one at a time.
  using OnChecked = std::function<void(const absl::Status&)>;

  // `check_soon` has every key looked up that does not hold, and the outcome told.
  KeyWatches(Holds holds, std::function<void()> check_soon)
      : holds_(std::move(holds)), check_soon_(std::move(check_soon)) {}

 private:
  struct Call {
    Call(const KeyHash& of, std::string_view needs, OnChecked on)
        : hash(of), scope(needs), on_checked(std::move(on)) {}
    const KeyHash hash;
    const std::string_view scope;
    std::atomic<bool> waits = false;
    absl::Mutex mutex;
    // Null once its watch has ended.
    OnChecked on_checked ABSL_GUARDED_BY(mutex);
  };

 public:
  // One open call, until this object ends, which waits for its on_checked where that is running and
  // so must not happen in it.
  class Watch {
   public:
    Watch(KeyWatches& watches, std::shared_ptr<Call> call)
        : watches_(watches), call_(std::move(call)) {}
    ~Watch() { watches_.Remove(call_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Whether the call may go on now; does not block. Where it may not, its on_checked will be
    // told.
    bool Holds();

   private:
    KeyWatches& watches_;
    const std::shared_ptr<Call> call_;
  };

  // `scope` outlives the watch, and so does this object.
  std::unique_ptr<Watch> Add(const KeyHash& hash, std::string_view scope, OnChecked on_checked)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The keys that have open calls.
  std::vector<KeyHash> Keys() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells the open calls of a key what looking it up has brought.
  void Tell(const KeyHash& hash, const absl::StatusOr<std::shared_ptr<const KnownKey>>& key)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Remove(const std::shared_ptr<Call>& call) ABSL_LOCKS_EXCLUDED(mutex_);

  const Holds holds_;
  const std::function<void()> check_soon_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<KeyHash, absl::flat_hash_set<std::shared_ptr<Call>>> calls_
      ABSL_GUARDED_BY(mutex_);
};

using KeyWatch = KeyWatches::Watch;

}  // namespace alma::auth
