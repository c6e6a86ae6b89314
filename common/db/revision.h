#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/db/session.h"

namespace alma::db {

// The table behind TakeRevisions: the step that every tenant database begins with.
inline constexpr std::string_view kCreateRevisions =
    "create table revisions (alma_internal_organization {uuid} not null primary key, revision "
    "{bigint} not null) {hot}";

// Takes the next `count` revisions of the organization in this database and returns the first. In a
// Write, before any other lock and any look-up: the row that it locks keeps every other writer of
// the organization out until the transaction ends, which is what makes revisions gap-free and
// look-ups for duplicates safe.
absl::StatusOr<int64_t> TakeRevisions(Session& session, std::string_view organization_uuid,
                                      int64_t count = 1);

// The same with the next statement, see Session::QueryLater: `first` is set then.
absl::Status TakeRevisionsLater(Session& session, std::string_view organization_uuid, int64_t count,
                                int64_t* first);
// Gives the last `count` back that the transaction took, also with the next statement.
absl::Status ReturnRevisionsLater(Session& session, std::string_view organization_uuid,
                                  int64_t count);

// The optimistic lock: ABORTED (REVISION_STALE) where a request expects a revision, which 0 does
// not, and the row has another.
absl::Status CheckRevision(std::string_view resource, int64_t expected, int64_t stored);

}  // namespace alma::db
