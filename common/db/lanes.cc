#include "common/db/lanes.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

using Writes = absl::Span<QueuedWrite* const>;

// The writes of an organization to one table, and its tables in the order in which they came.
struct Group {
  BatchWriter* writer;
  std::vector<QueuedWrite*> writes;
};
using Groups = std::vector<Group>;

// By organization, which is the order in which every transaction takes their locks.
std::map<std::string_view, Groups> GroupsOf(Writes writes) {
  std::map<std::string_view, Groups> by_organization;
  for (QueuedWrite* const write : writes) {
    Groups& groups = by_organization[write->organization()];
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return known.writer == &write->writer(); });
    if (group == groups.end()) group = groups.insert(group, {&write->writer(), {}});
    group->writes.push_back(write);
  }
  return by_organization;
}

absl::Status WriteGroups(Session& session, Writes writes) {
  bool any_stored = false;
  for (const auto& [organization, groups] : GroupsOf(writes)) {
    for (const Group& group : groups) {
      ASSIGN_OR_RETURN(const bool stored,
                       group.writer->Write(session, std::string(organization), group.writes));
      any_stored |= stored;
    }
  }
  if (!any_stored) session.Discard();
  return absl::OkStatus();
}

}  // namespace

Lanes::Lanes(int count, Transact transact) : transact_(std::move(transact)) {
  lanes_.reserve(count);
  for (int i = 0; i < count; ++i) {
    lanes_.push_back(std::make_unique<Lane<Owned>>(
        Lane<Owned>::Limits{kMaxLaneWrites, kMaxLaneBytes, kMaxRoundWrites, kMaxRoundBytes},
        [this](std::vector<Owned> writes) { return RunRound(std::move(writes)); }));
  }
}

bool Lanes::Submit(Owned& write) {
  const size_t lane = std::hash<std::string>()(write->organization()) % lanes_.size();
  const size_t bytes = write->bytes();
  return lanes_[lane]->Submit(write, bytes);
}

Lane<Lanes::Owned>::Rest Lanes::RunRound(std::vector<Owned> writes) {
  std::vector<Outcome> outcomes;
  std::vector<QueuedWrite*> awaited;
  outcomes.reserve(writes.size());
  awaited.reserve(writes.size());
  for (Owned& write : writes) {
    absl::Status still_awaited = write->CheckAwaited();
    if (still_awaited.ok()) {
      awaited.push_back(write.get());
    } else {
      outcomes.push_back({std::move(write), std::move(still_awaited)});
    }
  }
  std::vector<absl::Status> transactions(awaited.size());
  WriteTogether(awaited, absl::MakeSpan(transactions));
  auto transaction = transactions.begin();
  for (Owned& write : writes) {
    if (write != nullptr) outcomes.push_back({std::move(write), std::move(*transaction++)});
  }
  return [outcomes = std::move(outcomes)]() mutable {
    for (Outcome& outcome : outcomes) {
      outcome.write->Finish(outcome.transaction);
      outcome.write.reset();
    }
  };
}

void Lanes::WriteTogether(Writes writes, absl::Span<absl::Status> transactions) {
  if (writes.empty()) return;
  const absl::Status done = TryTogether(writes);
  if (writes.size() == 1 || !absl::IsInternal(done)) {
    std::fill(transactions.begin(), transactions.end(), done);
    return;
  }
  const size_t half = writes.size() / 2;
  WriteTogether(writes.first(half), transactions.first(half));
  WriteTogether(writes.subspan(half), transactions.subspan(half));
}

absl::Status Lanes::TryTogether(Writes writes) {
  // Who has less time left than the others must not take theirs away.
  absl::Time deadline = absl::InfinitePast();
  for (const QueuedWrite* const write : writes) deadline = std::max(deadline, write->deadline());
  try {
    return transact_(deadline, [&](Session& session) { return WriteGroups(session, writes); });
  } catch (...) {
    // The exception's own text may hold what a row holds.
    log::Error("unexpected_exception", {{"writes", static_cast<int64_t>(writes.size())}});
    return status::Internal();
  }
}

}  // namespace alma::db
