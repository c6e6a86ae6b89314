#include "common/db/database.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "common/log/log.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

constexpr absl::Duration kLookEvery = absl::Milliseconds(200);
constexpr absl::Duration kSeenRecently = absl::Milliseconds(900);
constexpr absl::Duration kLongestBackoff = absl::Milliseconds(50);

absl::Duration Backoff(int attempt) {
  thread_local std::minstd_rand random(std::random_device{}());
  const absl::Duration longest =
      std::min(kLongestBackoff, absl::Milliseconds(1 << std::min(attempt, 6)));
  return longest * std::uniform_real_distribution<double>(0.5, 1.0)(random);
}

}  // namespace

Database::Database(Location location, const Schema& schema, int sessions, int lanes)
    : location_(std::move(location)),
      schema_(schema),
      dialect_(Dialect::For(location_.engine)),
      sessions_(location_, dialect_.SingleWriter() ? Access::kRead : Access::kWrite, sessions),
      writer_(dialect_.SingleWriter() ? std::make_unique<Pool>(location_, Access::kWrite, 1)
                                      : nullptr),
      lane_sessions_(location_, Access::kLane, dialect_.SingleWriter() ? 0 : lanes),
      patient_session_(location_, Access::kPatientLane, dialect_.SingleWriter() ? 0 : 1),
      monitor_session_(location_, Access::kMonitor, 1),
      lanes_(
          dialect_.SingleWriter() ? 1 : lanes,
          [this](absl::Time deadline, Body body) {
            return Retry(deadline, body, &Database::TryWriteInLane);
          },
          [this](absl::Time deadline, Body body) {
            return Retry(deadline, body, &Database::TryWritePatiently);
          }) {}

Database::~Database() {
  stop_.Notify();
  if (monitor_.joinable()) monitor_.join();
}

absl::Status Database::Retry(absl::Time deadline, Body body,
                             Attempt (Database::*attempt)(absl::Time, bool, Body)) {
  bool fresh = false;
  bool replaced = false;
  for (int count = 0;; ++count) {
    if (!schema_fits_) return status::DatabaseUnavailable();
    if (absl::Now() >= deadline) return status::DeadlineExceeded();
    const Attempt tried = (this->*attempt)(deadline, fresh, body);
    // A pooled connection may have died long before it was taken, and the others with it.
    fresh = tried.reconnect && !replaced;
    replaced |= fresh;
    if (!tried.again && !fresh) return tried.status;
    const absl::Duration pause = Backoff(count);
    if (absl::Now() + pause >= deadline) {
      return tried.again ? status::DeadlineExceeded() : tried.status;
    }
    absl::SleepFor(pause);
  }
}

Database::Attempt Database::Failed(const Session& session, absl::Status status) {
  if (!session.failure_.has_value()) return {std::move(status)};
  return {session.failure_->status, session.failure_->kind == Failure::Kind::kConflict,
          session.failure_->kind == Failure::Kind::kConnection && !session.commit_sent_};
}

Database::Attempt Database::TryRead(absl::Time deadline, bool fresh, Body body) {
  absl::StatusOr<Pool::Lease> lease = sessions_.Take(deadline, fresh);
  if (!lease.ok()) return {lease.status()};
  Session& session = **lease;
  if (const absl::Status attached = session.CheckAttached(); !attached.ok()) {
    return Failed(session, attached);
  }
  return Failed(session, body(session));
}

Database::Attempt Database::TryWrite(absl::Time deadline, bool fresh, Body body) {
  return TryWriteOn(writer_ != nullptr ? *writer_ : sessions_, deadline, fresh, body);
}

Database::Attempt Database::TryWriteInLane(absl::Time deadline, bool fresh, Body body) {
  return TryWriteOn(writer_ != nullptr ? *writer_ : lane_sessions_, deadline, fresh, body);
}

Database::Attempt Database::TryWritePatiently(absl::Time deadline, bool fresh, Body body) {
  return TryWriteOn(writer_ != nullptr ? *writer_ : patient_session_, deadline, fresh, body);
}

Database::Attempt Database::TryWriteOn(Pool& sessions, absl::Time deadline, bool fresh, Body body) {
  absl::StatusOr<Pool::Lease> lease = sessions.Take(deadline, fresh);
  if (!lease.ok()) return {lease.status()};
  Session& session = **lease;
  if (const absl::Status attached = session.CheckAttached(); !attached.ok()) {
    return Failed(session, attached);
  }
  if (const absl::Status begun = session.Begin(deadline - absl::Now()); !begun.ok()) {
    return Failed(session, begun);
  }
  const absl::Status done = body(session);
  // A statement that failed has spoilt the transaction even where `body` made nothing of it:
  // PostgreSQL would answer the commit with a silent rollback.
  if (!done.ok() || session.failure_.has_value() || session.discarded_) {
    return Failed(session, done);
  }
  const absl::Status committed = session.Commit();
  return committed.ok() ? Attempt{done} : Failed(session, committed);
}

void Database::StartMonitor() {
  Look();
  monitor_ = std::thread([this] {
    while (!stop_.WaitForNotificationWithTimeout(kLookEvery)) Look();
  });
}

void Database::NoteAnswer(bool answers) {
  if (std::exchange(answers_, answers) == answers) return;
  log::Warning(answers ? "database_back" : "database_away", {{"database", schema_.database}});
}

void Database::Look() {
  int64_t newest = 0;
  int64_t oldest_binary = 0;
  absl::StatusOr<Pool::Lease> session = monitor_session_.Take(absl::Now() + kLookEvery);
  if (!session.ok() || !(*session)->CheckAttached().ok()) {
    // Gone for certain: health need not wait for the last sight to grow old.
    last_seen_nanos_ = 0;
    NoteAnswer(false);
    return;
  }
  const auto rows = (*session)->Query(
      "select coalesce(max(id), 0), coalesce(max(oldest_binary), 0) from schema_migrations", {},
      [&](Row& row) {
        newest = row.Int64();
        oldest_binary = row.Int64();
      });
  // Only a missing table says something about the schema; it is UNAVAILABLE and here to stay.
  const auto& failure = (*session)->failure_;
  const bool missing = failure.has_value() && failure->kind == Failure::Kind::kPermanent &&
                       absl::IsUnavailable(failure->status);
  NoteAnswer(rows.ok() || missing);
  if (!rows.ok() && !missing) return;
  const bool fits =
      rows.ok() && newest >= schema_.LastStep() && schema_.LastStep() >= oldest_binary;
  if (schema_fits_.exchange(fits) != fits) {
    log::Warning(fits ? "schema_fits" : "schema_does_not_fit",
                 {{"database", schema_.database},
                  {"database_step", newest},
                  {"binary_step", schema_.LastStep()}});
  }
  if (fits) last_seen_nanos_ = absl::ToUnixNanos(absl::Now());
}

bool Database::Ready() const {
  return schema_fits_ && absl::Now() - absl::FromUnixNanos(last_seen_nanos_) < kSeenRecently;
}

}  // namespace alma::db
