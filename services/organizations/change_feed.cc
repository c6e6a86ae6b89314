#include "services/organizations/change_feed.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "common/auth/authenticator.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/organizations/changes.h"

namespace alma::organizations {
namespace {

// Heartbeats go out with looks, which drift: one that is due a moment after a look goes with it.
constexpr absl::Duration kSlack = absl::Milliseconds(125);

// A gateway that this process can no longer reach goes by the last heartbeat for kSilence, and that
// may rest on what was kFresh old: a key that was ended right behind it still ends in time.
static_assert(ChangeFeed::kFreshMillis + auth::Authenticator::kSilenceMillis +
                  auth::Authenticator::kCheckEveryMillis <
              auth::Authenticator::kEndedWithinMillis);

}  // namespace

ChangeFeed::Follower::Follower(ChangeFeed& feed, int64_t after, std::function<void()> wake)
    : feed_(feed), wake_(std::move(wake)), first_look_(feed.looks_begun_ + 1), after_(after) {}

ChangeFeed::Follower::~Follower() {
  absl::MutexLock lock(&feed_.mutex_);
  feed_.followers_.erase(this);
}

bool ChangeFeed::Follower::IsDue(absl::Time now) const {
  return after_ != feed_.seen_->newest || now >= heartbeat_due_;
}

absl::StatusOr<bool> ChangeFeed::Follower::Next(absl::Time deadline,
                                                std::vector<Response>* responses) {
  int64_t newest = 0;
  {
    absl::MutexLock lock(&feed_.mutex_);
    if (feed_.closed_) return status::BackendUnavailable();
    if (feed_.last_failure_ >= first_look_) return status::DatabaseUnavailable();
    if (feed_.last_look_ < first_look_) return false;
    newest = feed_.seen_->newest;
    // Further on than the store itself: it was restored, which a heartbeat says at once.
    if (after_ < 0 || after_ > newest) {
      after_ = newest;
      heartbeat_due_ = absl::InfinitePast();
    }
    if (after_ >= feed_.seen_->after) {
      AppendKept(responses);
      return false;
    }
  }
  return ReadPage(deadline, newest, responses);
}

void ChangeFeed::Follower::AppendKept(std::vector<Response>* responses) {
  const Seen& seen = *feed_.seen_;
  const auto first = std::partition_point(
      seen.changes.begin(), seen.changes.end(),
      [this](const Response& change) { return change.change_seq() <= after_; });
  std::copy(first, seen.changes.end(), std::back_inserter(*responses));
  const absl::Time now = absl::Now();
  const bool due = first != seen.changes.end() || IsDue(now);
  after_ = seen.newest;
  if (!due || now - feed_.seen_at_ > kFresh) return;
  responses->emplace_back().set_change_seq(seen.newest);
  heartbeat_due_ = now + kHeartbeatEvery - kSlack;
}

absl::StatusOr<bool> ChangeFeed::Follower::ReadPage(absl::Time deadline, int64_t newest,
                                                    std::vector<Response>* responses) {
  int64_t after = 0;
  {
    absl::MutexLock lock(&feed_.mutex_);
    after = after_;
  }
  // Not beyond what the feed has seen: a position further on stands for a store that was restored.
  const auto read = [&](db::Session& session) {
    return ReadChanges(session, after, newest, kRowsPerPage);
  };
  auto page = feed_.database_.Read(std::min(deadline, absl::Now() + kReadTimeout), read);
  if (!page.ok()) return status::DatabaseUnavailable();
  after = page->size() < kRowsPerPage ? newest : page->back().change_seq();
  std::move(page->begin(), page->end(), std::back_inserter(*responses));
  absl::MutexLock lock(&feed_.mutex_);
  after_ = after;
  return true;
}

ChangeFeed::ChangeFeed(db::Database& database) : database_(database), thread_([this] { Run(); }) {}

ChangeFeed::~ChangeFeed() {
  Close();
  thread_.join();
}

std::unique_ptr<ChangeFeed::Follower> ChangeFeed::Follow(int64_t after_change_seq,
                                                         std::function<void()> wake) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<Follower> follower(new Follower(*this, after_change_seq, std::move(wake)));
  followers_.insert(follower.get());
  look_now_ = true;
  return follower;
}

void ChangeFeed::Look() {
  absl::MutexLock lock(&mutex_);
  look_now_ = true;
}

void ChangeFeed::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (const Follower* follower : followers_) follower->wake_();
}

bool ChangeFeed::MayLook() const {
  // A database that is away is not asked more often because followers come back more often.
  const bool away = last_failure_ == last_look_;
  return closed_ || (look_now_ && !away);
}

bool ChangeFeed::AwaitLook(std::optional<int64_t>* newest) {
  absl::MutexLock lock(&mutex_);
  const auto wanted = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closed_ || !followers_.empty();
  };
  // What was seen before a pause may be far behind.
  if (!wanted()) {
    seen_.reset();
    mutex_.Await(absl::Condition(&wanted));
  }
  mutex_.AwaitWithDeadline(absl::Condition(this, &ChangeFeed::MayLook), next_look_);
  look_now_ = false;
  ++looks_begun_;
  next_look_ = absl::Now() + kLookEvery;
  *newest = seen_.has_value() ? std::optional(seen_->newest) : std::nullopt;
  return !closed_;
}

void ChangeFeed::Run() {
  std::optional<int64_t> newest;
  while (AwaitLook(&newest)) {
    const absl::Time began = absl::Now();
    Note(Read(newest), began);
  }
}

absl::StatusOr<ChangeFeed::Seen> ChangeFeed::Read(std::optional<int64_t> newest) {
  const auto read = [&](db::Session& session) -> absl::StatusOr<Seen> {
    // The counter first: all that is committed by then is in the changes that are read after it.
    ASSIGN_OR_RETURN(const int64_t counted, NewestChange(session));
    Seen seen{.newest = counted, .after = counted, .changes = {}};
    if (!newest.has_value() || counted <= *newest) return seen;
    ASSIGN_OR_RETURN(auto changes, ReadChanges(session, *newest, counted, kKept));
    // More may lie behind those.
    if (changes.size() == kKept) return seen;
    seen.after = *newest;
    std::move(changes.begin(), changes.end(), std::back_inserter(seen.changes));
    return seen;
  };
  return database_.Read(absl::Now() + kReadTimeout, read);
}

void ChangeFeed::Note(absl::StatusOr<Seen> seen, absl::Time began) {
  absl::MutexLock lock(&mutex_);
  last_look_ = looks_begun_;
  if (!seen.ok()) {
    last_failure_ = looks_begun_;
    seen_.reset();
    for (const Follower* follower : followers_) follower->wake_();
    return;
  }
  const bool goes_on = seen_.has_value() && seen->after == seen_->newest;
  if (goes_on) {
    seen_->newest = seen->newest;
    std::move(seen->changes.begin(), seen->changes.end(), std::back_inserter(seen_->changes));
  } else {
    seen_ = *std::move(seen);
  }
  for (; seen_->changes.size() > kKept; seen_->changes.pop_front()) {
    seen_->after = seen_->changes.front().change_seq();
  }
  seen_at_ = began;
  // By now: a slow look must not put off a heartbeat that has become due meanwhile to the next one.
  const absl::Time now = absl::Now();
  for (const Follower* follower : followers_) {
    if (follower->first_look_ <= last_look_ && follower->IsDue(now)) follower->wake_();
  }
}

}  // namespace alma::organizations
