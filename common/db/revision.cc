#include "common/db/revision.h"

#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::db {

absl::StatusOr<int64_t> TakeRevisions(Session& session, std::string_view organization_uuid,
                                      int64_t count) {
  int64_t last = 0;
  RETURN_IF_ERROR(
      session
          .Query(
              "insert into revisions (alma_internal_organization, revision) values (:organization, "
              ":count) "
              "on conflict (alma_internal_organization) "
              "do update set revision = revisions.revision + excluded.revision returning revision",
              {{"organization", organization_uuid}, {"count", count}},
              [&](Row& row) { last = row.Int64(); })
          .status());
  return last - count + 1;
}

absl::Status CheckRevision(std::string_view resource, int64_t expected, int64_t stored) {
  return expected == 0 || expected == stored ? absl::OkStatus() : status::RevisionStale(resource);
}

}  // namespace alma::db
