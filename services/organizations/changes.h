#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "common/db/session.h"

// The changes of keys and organizations, in the order of change_seq, which is that of their
// commits: TakeChanges locks the counter until its transaction ends. So who has seen a change_seq
// has seen, or can read, everything below it. For functions that Database::Read runs.
namespace alma::organizations {

// The newest change_seq; 0 where nothing was ever written.
absl::StatusOr<int64_t> NewestChange(db::Session& session);

// What changed last in (after, up_to], the oldest `limit` of it. What has changed again since is
// behind `up_to`.
absl::StatusOr<std::vector<v1::ListKeyChangesResponse>> ReadChanges(db::Session& session,
                                                                    int64_t after, int64_t up_to,
                                                                    int64_t limit);

}  // namespace alma::organizations
