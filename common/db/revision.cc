#include "common/db/revision.h"

#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::db {

absl::StatusOr<int64_t> TakeRevisions(Session& session, std::string_view organization_uuid,
                                      int64_t count) {
  int64_t first = 0;
  RETURN_IF_ERROR(TakeRevisionsLater(session, organization_uuid, count, &first));
  RETURN_IF_ERROR(session.Flush());
  return first;
}

absl::Status TakeRevisionsLater(Session& session, std::string_view organization_uuid, int64_t count,
                                int64_t* first) {
  return session.QueryLater(
      "insert into revisions (alma_internal_organization, revision) values (:organization, :count) "
      "on conflict (alma_internal_organization) "
      "do update set revision = revisions.revision + excluded.revision returning revision",
      {{"organization", organization_uuid}, {"count", count}},
      [first, count](Row& row) { *first = row.Int64() - count + 1; });
}

absl::Status ReturnRevisionsLater(Session& session, std::string_view organization_uuid,
                                  int64_t count) {
  return session.ExecuteLater(
      "update revisions set revision = revision - :count "
      "where alma_internal_organization = :organization",
      {{"organization", organization_uuid}, {"count", count}});
}

absl::Status CheckRevision(std::string_view resource, int64_t expected, int64_t stored) {
  return expected == 0 || expected == stored ? absl::OkStatus() : status::RevisionStale(resource);
}

}  // namespace alma::db
