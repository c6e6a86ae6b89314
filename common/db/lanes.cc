#include "common/db/lanes.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/db/lane_impl.h"
#include "common/limit/spread.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

using Owned = std::unique_ptr<QueuedWrite>;
using Organizations = std::set<std::string>;

constexpr Lane<Owned>::Limits kLimits{kMaxLaneWrites, kMaxLaneBytes, kMaxRoundWrites,
                                      kMaxRoundBytes};

// A write of a round, and once it is no longer open what its transaction came to.
struct Entry {
  Owned write;
  absl::Status transaction = absl::UnknownError("not run");
  bool open = true;

  void Close(absl::Status status) {
    transaction = std::move(status);
    open = false;
  }
};
using Entries = std::vector<Entry*>;

// Those that `check` refuses are closed.
template <typename Check>
std::vector<Entry> EntriesOf(std::vector<Owned> writes, Check check) {
  std::vector<Entry> entries(writes.size());
  for (size_t i = 0; i < writes.size(); ++i) {
    if (absl::Status checked = std::invoke(check, *writes[i]); !checked.ok()) {
      entries[i].Close(std::move(checked));
    }
    entries[i].write = std::move(writes[i]);
  }
  return entries;
}

Entries All(std::vector<Entry>& entries) {
  Entries all;
  all.reserve(entries.size());
  for (Entry& entry : entries) all.push_back(&entry);
  return all;
}

// Of those that are open as many as a round takes.
Entries FirstRound(std::vector<Entry>& entries) {
  Entries round;
  size_t bytes = 0;
  for (Entry& entry : entries) {
    if (!entry.open) continue;
    bytes += entry.write->bytes();
    const bool full = round.size() == kMaxRoundWrites || bytes > kMaxRoundBytes;
    if (full && !round.empty()) break;
    round.push_back(&entry);
  }
  return round;
}

// Whether a round that lasts may take more: it holds about as many as a queue.
bool HasRoom(const std::map<std::string, std::vector<Owned>>& waiting) {
  size_t writes = 0;
  size_t bytes = 0;
  for (const auto& [organization, own] : waiting) {
    writes += own.size();
    for (const Owned& write : own) bytes += write->bytes();
  }
  return writes < kMaxLaneWrites && bytes < kMaxLaneBytes;
}

void Finish(Entry& entry) {
  entry.write->Finish(entry.transaction);
  entry.write.reset();
}

// The writes of an organization to one table, and its tables in the order in which they came.
struct Group {
  BatchWriter* writer;
  std::vector<QueuedWrite*> writes;
};
using Groups = std::vector<Group>;

// By organization, which is the order in which every transaction takes their locks.
std::map<std::string_view, Groups> GroupsOf(const Entries& entries) {
  std::map<std::string_view, Groups> by_organization;
  for (const Entry* const entry : entries) {
    QueuedWrite& write = *entry->write;
    Groups& groups = by_organization[write.organization()];
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return known.writer == &write.writer(); });
    if (group == groups.end()) group = groups.insert(group, {&write.writer(), {}});
    group->writes.push_back(&write);
  }
  return by_organization;
}

absl::Status WriteGroups(Session& session, const Entries& entries) {
  bool any_stored = false;
  for (const auto& [name, groups] : GroupsOf(entries)) {
    const std::string organization(name);
    session.For(organization);
    for (const Group& group : groups) {
      ASSIGN_OR_RETURN(const bool stored, group.writer->Write(session, organization, group.writes));
      any_stored |= stored;
    }
  }
  if (!any_stored) {
    session.Discard();
    return absl::OkStatus();
  }
  // Here, where LockedFor can be asked: what was left for the commit may wait for a lock, too.
  return session.Commit();
}

struct Tried {
  absl::Status status;
  // The organization whose lock was given up; empty where none was.
  std::string locked;
};

Tried TryTogether(const Lanes::Transact& transact, const Entries& entries) {
  // Who has less time left than the others must not take theirs away.
  absl::Time deadline = absl::InfinitePast();
  for (const Entry* const entry : entries) deadline = std::max(deadline, entry->write->deadline());
  std::string locked;
  try {
    absl::Status done = transact(deadline, [&](Session& session) {
      absl::Status written = WriteGroups(session, entries);
      locked = session.LockedFor();
      return written;
    });
    return {std::move(done), std::move(locked)};
  } catch (...) {
    // The exception's own text may hold what a row holds.
    log::Error("unexpected_exception", {{"writes", static_cast<int64_t>(entries.size())}});
    return {status::Internal(), ""};
  }
}

// Closes all that are open but those of `locked`, to which it adds whose lock is not to be had.
void WriteTogether(const Lanes::Transact& transact, Entries entries, Organizations& locked) {
  Tried tried;
  do {
    std::erase_if(entries, [&](const Entry* entry) {
      return !entry->open || locked.contains(entry->write->organization());
    });
    if (entries.empty()) return;
    tried = TryTogether(transact, entries);
    if (!tried.locked.empty()) locked.insert(tried.locked);
  } while (!tried.locked.empty());
  if (entries.size() == 1 || !absl::IsInternal(tried.status)) {
    for (Entry* const entry : entries) entry->Close(tried.status);
    return;
  }
  const auto half = entries.begin() + static_cast<std::ptrdiff_t>(entries.size() / 2);
  WriteTogether(transact, {entries.begin(), half}, locked);
  WriteTogether(transact, {half, entries.end()}, locked);
}

}  // namespace

absl::Status LaneFull() { return status::Overloaded(limit::Spread(kRetryFullLane)); }

Lanes::Lanes(int count, Transact brief, Transact patient)
    : brief_(std::move(brief)),
      patient_(std::move(patient)),
      patient_lane_(kLimits, [this](std::vector<Owned> writes) {
        return RunPatientRound(std::move(writes));
      }) {
  lanes_.reserve(count);
  for (int i = 0; i < count; ++i) {
    lanes_.push_back(std::make_unique<Lane<Owned>>(
        kLimits, [this](std::vector<Owned> writes) { return RunRound(std::move(writes)); }));
  }
}

Lanes::~Lanes() = default;

bool Lanes::Submit(Owned& write) {
  const size_t lane = std::hash<std::string>()(write->organization()) % lanes_.size();
  const size_t bytes = write->bytes();
  const absl::Time deadline = write->deadline();
  return lanes_[lane]->Submit(write, bytes, deadline);
}

Lanes::Rest Lanes::RunRound(std::vector<Owned> writes) {
  std::vector<Entry> entries = EntriesOf(std::move(writes), &QueuedWrite::CheckAwaited);
  // Also what is behind those that were handed over, or it would overtake them.
  Organizations locked = InPatientLane();
  WriteTogether(brief_, All(entries), locked);
  for (Entry& entry : entries) {
    if (entry.open && !HandOver(entry.write)) entry.Close(LaneFull());
  }
  return [entries = std::move(entries)]() mutable {
    for (Entry& entry : entries) {
      if (!entry.open) Finish(entry);
    }
  };
}

Lanes::Rest Lanes::RunPatientRound(std::vector<Owned> writes) {
  std::map<std::string, std::vector<Owned>> waiting;
  while (!writes.empty() || !waiting.empty()) {
    // All that there are: who comes now must not wait for those that are still locked.
    do {
      for (Owned& write : writes) waiting[write->organization()].push_back(std::move(write));
      writes = HasRoom(waiting) ? patient_lane_.TakeMore() : std::vector<Owned>();
    } while (!writes.empty());
    for (auto own = waiting.begin(); own != waiting.end();) {
      RunPatiently(own->first, own->second);
      own = own->second.empty() ? waiting.erase(own) : std::next(own);
    }
  }
  return [] {};
}

void Lanes::RunPatiently(const std::string& organization, std::vector<Owned>& own) {
  // Those behind this round may have been given up, too.
  std::vector<Entry> entries = EntriesOf(std::exchange(own, {}), &QueuedWrite::CheckAdmitted);
  Organizations locked;
  WriteTogether(patient_, FirstRound(entries), locked);
  for (Entry& entry : entries) {
    if (entry.open) own.push_back(std::move(entry.write));
  }
  NoteLeft(organization, entries.size() - own.size());
  // At once: who is next may wait long for its lock.
  for (Entry& entry : entries) {
    if (!entry.open) Finish(entry);
  }
}

bool Lanes::HandOver(Owned& write) {
  const std::string organization = write->organization();
  {
    absl::MutexLock lock(&mutex_);
    ++in_patient_lane_[organization];
  }
  const size_t bytes = write->bytes();
  if (patient_lane_.Submit(write, bytes)) return true;
  NoteLeft(organization, 1);
  return false;
}

void Lanes::NoteLeft(const std::string& organization, size_t writes) {
  absl::MutexLock lock(&mutex_);
  const auto found = in_patient_lane_.find(organization);
  found->second -= writes;
  if (found->second == 0) in_patient_lane_.erase(found);
}

std::set<std::string> Lanes::InPatientLane() const {
  absl::MutexLock lock(&mutex_);
  std::set<std::string> organizations;
  for (const auto& [organization, writes] : in_patient_lane_) organizations.insert(organization);
  return organizations;
}

}  // namespace alma::db
