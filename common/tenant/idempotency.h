#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "common/status/status.h"
#include "common/tenant/resource.h"
#include "google/protobuf/message.h"

// Creates that name existing rows, by key or by origin and external_id.
namespace alma::tenant {

// Whether every field that is set in `wanted` is set in `stored`, a message of the same type, to an
// equal value: submessages and lists as a whole, maps (and so Structs) without order. A scalar
// without presence is set when it is not its default.
bool EqualWhereSet(const google::protobuf::Message& wanted,
                   const google::protobuf::Message& stored);

// What the create of `wanted` comes to. `wanted` holds what the caller set and nothing else: no
// output-only fields, nothing filled in. `by_key` and `by_external_id` are the rows that it names,
// if any. `resource` is for the errors.
//   nullopt                    it names none: insert it
//   the row                    a repeat with equal content
//   status::CreateOfDeleted    the row is a tombstone
//   status::AlreadyExists      other content, or two different rows
template <typename Resource>
absl::StatusOr<std::optional<Resource>> Repeated(const Resource& wanted, std::string_view resource,
                                                 std::optional<Resource> by_key,
                                                 std::optional<Resource> by_external_id) {
  std::optional<Resource>& stored = by_key.has_value() ? by_key : by_external_id;
  if (!stored.has_value()) return std::nullopt;
  if (by_external_id.has_value() && Key(*by_external_id) != Key(*stored)) {
    return status::AlreadyExists(resource);
  }
  if (stored->has_deleted_at()) return status::CreateOfDeleted(resource);
  if (!EqualWhereSet(wanted, *stored)) return status::AlreadyExists(resource);
  return std::move(stored);
}

}  // namespace alma::tenant
