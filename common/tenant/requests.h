#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "common/db/page.h"
#include "common/tenant/resource.h"
#include "common/text/checks.h"
#include "common/text/field_mask.h"
#include "common/text/requests.h"
#include "common/text/timestamp.h"
#include "common/text/violations.h"
#include "google/protobuf/repeated_ptr_field.h"

// Checks of the requests that every table of tenants' rows has. Each function brings the request
// into the form that a Store expects and returns INVALID_ARGUMENT with every violated field.
// `check(violations, resource)` adds what is wrong with a resource's own fields.
namespace alma::tenant {

inline constexpr int kMaxBatchCreate = 1000;
inline constexpr int kMaxBatchGet = 100;

// Takes out what every table keeps to itself, and checks the key and the external_id of a resource
// to create. A key that is no `uuid` is required.
template <typename Resource>
void CheckNew(text::Violations& violations, Resource& resource) {
  resource.clear_alma_internal_organization();
  resource.clear_revision();
  resource.clear_deleted_at();
  if constexpr (HasUpdatedAt<Resource>) resource.clear_updated_at();
  text::CheckUuid(violations, KeyName<Resource>(), MutableKey(resource),
                  HasUuid<Resource> ? text::Presence::kOptional : text::Presence::kRequired);
  if constexpr (HasExternalId<Resource>) {
    text::CheckName(violations, "external_id", resource.external_id(), text::Presence::kOptional);
  }
}

// A time that the caller may give.
inline void CheckTime(text::Violations& violations, std::string_view field,
                      google::protobuf::Timestamp* time) {
  text::CheckTimestamp(violations, field, *time);
  text::TruncateToMicros(time);
}

// A bound of a list's range of times. Times are stored in microseconds, so it is rounded up: the
// same of them lie before it as before the bound in nanoseconds. Only within the last microsecond
// that there is, it is rounded down.
inline void CheckBound(text::Violations& violations, std::string_view field,
                       google::protobuf::Timestamp* time) {
  constexpr int32_t kMicro = 1000;
  constexpr int32_t kLastMicro = 999'999'000;
  text::CheckTimestamp(violations, field, *time);
  const bool finer = time->nanos() % kMicro != 0;
  text::TruncateToMicros(time);
  if (!finer) return;
  if (time->nanos() < kLastMicro) {
    time->set_nanos(time->nanos() + kMicro);
  } else if (time->seconds() < text::kMaxTimestampSeconds) {
    time->set_nanos(0);
    time->set_seconds(time->seconds() + 1);
  }
}

// `has` and `get` are the request's accessors of its resource, the field `field`.
template <typename Request, typename Resource, typename Check>
absl::Status ValidateCreate(Request& request, const std::string& field,
                            bool (Request::*has)() const, Resource* (Request::*get)(),
                            Check check) {
  if (!(request.*has)()) return text::Missing(field);
  text::Violations violations;
  violations.set_prefix(field);
  CheckNew(violations, *(request.*get)());
  check(violations, *(request.*get)());
  return violations.ToStatus();
}

// Within one batch each resource is named once.
template <typename Resource>
void CheckNamedOnce(text::Violations& violations, const std::string& field,
                    const google::protobuf::RepeatedPtrField<Resource>& resources) {
  std::set<std::string_view> keys;
  std::set<std::pair<std::string_view, std::string_view>> external_ids;
  for (int i = 0; i < resources.size(); ++i) {
    const Resource& resource = resources[i];
    violations.set_prefix(absl::StrCat(field, "[", i, "]"));
    if (!Key(resource).empty() && !keys.insert(Key(resource)).second) {
      violations.Add(KeyName<Resource>(), "is in the batch already");
    }
    if constexpr (HasExternalId<Resource>) {
      if (!resource.external_id().empty() &&
          !external_ids.emplace(resource.origin(), resource.external_id()).second) {
        violations.Add("external_id", "is in the batch already");
      }
    }
  }
}

template <typename Request, typename Resource, typename Check>
absl::Status ValidateBatchCreate(const Request& request, const std::string& field,
                                 google::protobuf::RepeatedPtrField<Resource>* resources,
                                 Check check) {
  text::Violations violations;
  if (resources->empty() || resources->size() > kMaxBatchCreate) {
    violations.Add(field, absl::StrCat("must be 1 to ", kMaxBatchCreate, " items"));
  } else if (request.ByteSizeLong() > db::kMaxPageBytes) {
    violations.Add(field, "must be at most 3 MiB together");
  }
  if (!violations.empty()) return violations.ToStatus();
  for (int i = 0; i < resources->size(); ++i) {
    violations.set_prefix(absl::StrCat(field, "[", i, "]"));
    CheckNew(violations, (*resources)[i]);
    check(violations, (*resources)[i]);
  }
  CheckNamedOnce(violations, field, *resources);
  return violations.ToStatus();
}

// As ValidateCreate; `check` sees the resource as it was sent, whatever the mask names.
template <typename Request, typename Resource, typename Check>
absl::Status ValidateUpdate(Request& request, const std::string& field,
                            bool (Request::*has)() const, Resource* (Request::*get)(),
                            absl::Span<const std::string_view> mutable_fields, Check check) {
  if (!(request.*has)()) return text::Missing(field);
  Resource& resource = *(request.*get)();
  text::Violations violations;
  text::ResolveUpdateMask(violations, resource, mutable_fields, request.mutable_update_mask());
  violations.set_prefix(field);
  text::CheckUuid(violations, KeyName<Resource>(), MutableKey(resource));
  text::CheckNotNegative(violations, "revision", resource.revision());
  check(violations, resource);
  return violations.ToStatus();
}

// Of a request that names a resource by its key and nothing else.
template <typename Request>
absl::Status ValidateGet(Request& request) {
  text::Violations violations;
  text::CheckUuid(violations, KeyName<Request>(), MutableKey(request));
  return violations.ToStatus();
}

// Of a request with a key and the revision expected.
template <typename Request>
absl::Status ValidateDelete(Request& request) {
  text::Violations violations;
  text::CheckUuid(violations, KeyName<Request>(), MutableKey(request));
  text::CheckNotNegative(violations, "revision", request.revision());
  return violations.ToStatus();
}

template <typename Request>
absl::Status ValidateBatchGet(Request& request) {
  text::Violations violations;
  if (request.uuids().empty() || request.uuids_size() > kMaxBatchGet) {
    violations.Add("uuids", absl::StrCat("must be 1 to ", kMaxBatchGet, " uuids"));
    return violations.ToStatus();
  }
  text::CheckEach(
      violations, "uuids", *request.mutable_uuids(),
      [&](std::string_view path, std::string& uuid) { text::CheckUuid(violations, path, &uuid); });
  return violations.ToStatus();
}

}  // namespace alma::tenant
