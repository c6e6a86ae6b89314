#pragma once

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "google/protobuf/message.h"

// Creates that name existing rows, by uuid or by origin and external_id.
namespace alma::db {

// Whether every field that is set in `wanted` is set in `stored`, a message of the same type, to an
// equal value: submessages and lists as a whole, maps (and so Structs) without order. A scalar
// without presence is set when it is not its default.
bool EqualWhereSet(const google::protobuf::Message& wanted,
                   const google::protobuf::Message& stored);

// What the create of `wanted` comes to. `wanted` holds what the caller set and nothing else: no
// output-only fields, nothing filled in. The rows that it names come from `find_by_uuid(uuid)` and
// `find_by_external_id(origin, external_id)`, each an absl::StatusOr<std::optional<Resource>>,
// asked only for what is set. `resource` is for the errors.
//   nullopt                    it names none: insert it
//   the row                    a repeat with equal content
//   status::CreateOfDeleted    the row is a tombstone
//   status::AlreadyExists      other content, or two different rows
template <typename Resource, typename FindByUuid, typename FindByExternalId>
absl::StatusOr<std::optional<Resource>> FindRepeated(const Resource& wanted,
                                                     std::string_view resource,
                                                     FindByUuid find_by_uuid,
                                                     FindByExternalId find_by_external_id) {
  std::optional<Resource> stored;
  std::optional<Resource> other;
  if (!wanted.uuid().empty()) {
    ASSIGN_OR_RETURN(stored, find_by_uuid(wanted.uuid()));
  }
  if (!wanted.external_id().empty()) {
    ASSIGN_OR_RETURN(other, find_by_external_id(wanted.origin(), wanted.external_id()));
  }
  if (!stored.has_value()) stored.swap(other);
  if (!stored.has_value()) return std::nullopt;
  if (other.has_value() && other->uuid() != stored->uuid()) return status::AlreadyExists(resource);
  if (stored->has_deleted_at()) return status::CreateOfDeleted(resource);
  if (!EqualWhereSet(wanted, *stored)) return status::AlreadyExists(resource);
  return stored;
}

}  // namespace alma::db
