#pragma once

#include <string_view>

#include "absl/types/span.h"
#include "common/text/violations.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"

// Update masks as of AIP-134.
namespace alma::text {

// Makes `mask`, the request's `update_mask`, name in place exactly the fields of `resource` to
// write, each once, in the order of `mutable_paths`:
//   empty or absent    the mutable fields that are populated in `resource`
//   "*" alone          all mutable fields
//   anything else      what it names; a path that is not in `mutable_paths` is a violation of
//   "update_mask"
// `mutable_paths` are names of fields of `resource` itself: what lies within a field is written as
// a whole.
void ResolveUpdateMask(Violations& violations, const google::protobuf::Message& resource,
                       absl::Span<const std::string_view> mutable_paths,
                       google::protobuf::FieldMask* mask);

// Whether a resolved mask names `path`.
bool Names(const google::protobuf::FieldMask& mask, std::string_view path);

// Writes the fields that a resolved mask names from one resource to another of its type; those that
// are not populated in `from` are cleared in `to`.
void WriteMasked(const google::protobuf::FieldMask& mask, const google::protobuf::Message& from,
                 google::protobuf::Message* to);

}  // namespace alma::text
