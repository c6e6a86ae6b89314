#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/timestamp.pb.h"

// What the resources of a tenant's tables have in common, whatever their type:
// alma_internal_organization, revision and deleted_at; a key, which is `uuid`, or `event_uuid` of
// what belongs to an event; and some of them created_at, updated_at, or origin and external_id.
namespace alma::tenant {

template <typename Resource>
concept HasUuid = requires(const Resource& resource) {
  resource.uuid();
};

template <typename Resource>
concept HasExternalId = requires(const Resource& resource) {
  resource.origin();
  resource.external_id();
};

template <typename Resource>
concept HasCreatedAt = requires(Resource& resource) {
  resource.mutable_created_at();
};

template <typename Resource>
concept HasUpdatedAt = requires(Resource& resource) {
  resource.mutable_updated_at();
};

// The name of the key, as field and as column. Also of requests that name a resource by it.
template <typename Resource>
constexpr std::string_view KeyName() {
  return HasUuid<Resource> ? "uuid" : "event_uuid";
}

template <typename Resource>
const std::string& Key(const Resource& resource) {
  if constexpr (HasUuid<Resource>) {
    return resource.uuid();
  } else {
    return resource.event_uuid();
  }
}

template <typename Resource>
std::string* MutableKey(Resource& resource) {
  if constexpr (HasUuid<Resource>) {
    return resource.mutable_uuid();
  } else {
    return resource.mutable_event_uuid();
  }
}

// Sets what every write changes.
template <typename Resource>
void Touch(Resource& resource, int64_t revision, const google::protobuf::Timestamp& now) {
  resource.set_revision(revision);
  if constexpr (HasUpdatedAt<Resource>) *resource.mutable_updated_at() = now;
}

}  // namespace alma::tenant
