#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/db/database.h"
#include "common/db/session.h"
#include "common/rpc/completion.h"
#include "common/tenant/table.h"

namespace alma::tenant {

// Rows that a read of gets holds at a time at most: few, since a row may have hundreds of KiB.
inline constexpr size_t kMaxGotAtATime = 4;

// A get of one row that is read together with those of other callers.
template <typename Resource>
struct QueuedGet {
  std::string organization;
  std::string key;
  absl::Time deadline;
  rpc::Completion<Resource> completion;
  bool finished = false;

  // Once.
  void Finish(absl::StatusOr<Resource> answer) {
    finished = true;
    completion.finish(std::move(answer));
  }
};

namespace internal {

// Those that are not finished yet, without those whose check_admitted finishes them here.
template <typename Resource>
std::vector<QueuedGet<Resource>*> OpenGets(absl::Span<QueuedGet<Resource>> gets) {
  std::vector<QueuedGet<Resource>*> open;
  open.reserve(gets.size());
  for (QueuedGet<Resource>& get : gets) {
    if (get.finished) continue;
    if (absl::Status admitted = get.completion.check_admitted(); !admitted.ok()) {
      get.Finish(std::move(admitted));
    } else {
      open.push_back(&get);
    }
  }
  return open;
}

// Reads the rows of all in one Database::Read and finishes those that are found.
template <typename Resource>
absl::Status FindGets(db::Database& database, const Table<Resource>& table,
                      absl::Span<QueuedGet<Resource>> gets) {
  std::vector<QueuedGet<Resource>*> open = OpenGets(gets);
  if (open.empty()) return absl::OkStatus();
  // Who has less time left than the others must not take theirs away.
  absl::Time deadline = absl::InfinitePast();
  for (const auto* const get : open) deadline = std::max(deadline, get->deadline);
  bool again = false;
  return database.Read(deadline, [&](db::Session& session) {
    if (std::exchange(again, true)) open = OpenGets(gets);
    std::vector<RowName> names;
    names.reserve(open.size());
    for (const auto* const get : open) names.push_back({get->organization, get->key});
    return table.FindEach(session, names, kMaxGotAtATime, [&](size_t i, Resource row) {
      // A damaged index may give a row twice.
      if (!open[i]->finished) open[i]->Finish(std::move(row));
    });
  });
}

}  // namespace internal

}  // namespace alma::tenant
