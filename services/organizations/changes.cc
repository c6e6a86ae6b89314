#include "services/organizations/changes.h"

#include <string>

#include "absl/strings/escaping.h"
#include "common/status/macros.h"

namespace alma::organizations {
namespace {

v1::ListKeyChangesResponse ReadChange(db::Row& row) {
  v1::ListKeyChangesResponse change;
  change.set_change_seq(row.Int64());
  const std::string uuid(row.Text());
  const auto apikey = row.OptionalText();
  const bool in_force = row.Bool();
  if (apikey.has_value()) {
    change.mutable_key()->set_api_key_uuid(uuid);
    change.mutable_key()->set_secret_sha256(absl::HexStringToBytes(std::string(*apikey)));
    change.mutable_key()->set_state(in_force ? v1::KEY_STATE_ACTIVE : v1::KEY_STATE_REVOKED);
  } else {
    change.mutable_organization()->set_organization_uuid(uuid);
    change.mutable_organization()->set_active(in_force);
  }
  return change;
}

}  // namespace

absl::StatusOr<int64_t> NewestChange(db::Session& session) {
  int64_t newest = 0;
  RETURN_IF_ERROR(session
                      .Query("select change_seq from change_sequence where id = 1", {},
                             [&](db::Row& row) { newest = row.Int64(); })
                      .status());
  return newest;
}

absl::StatusOr<std::vector<v1::ListKeyChangesResponse>> ReadChanges(db::Session& session,
                                                                    int64_t after, int64_t up_to,
                                                                    int64_t limit) {
  // One statement, so that both tables are read from one snapshot.
  constexpr char kSql[] =
      "select change_seq, uuid, apikey, revoked_at is null as in_force from \"authorization\" "
      "where change_seq > :after and change_seq <= :up_to "
      "union all "
      "select change_seq, uuid, null, active = 'ACTIVE' and deleted_at is null from organizations "
      "where change_seq > :after and change_seq <= :up_to "
      "order by change_seq limit :limit";
  std::vector<v1::ListKeyChangesResponse> changes;
  RETURN_IF_ERROR(session
                      .Query(kSql, {{"after", after}, {"up_to", up_to}, {"limit", limit}},
                             [&](db::Row& row) { changes.push_back(ReadChange(row)); })
                      .status());
  return changes;
}

}  // namespace alma::organizations
