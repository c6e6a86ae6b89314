#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace alma::testing {

// Calls `visit` once for every string field that a request of this type can hold, at any depth,
// with the field's path as errors name it (`organization.name`, `api_key.scopes[0]`,
// `organization.meta_data.key`; `update_mask.paths[0]` may be reported as `update_mask`) and a copy
// of `request` in which that field is `text`. Of a repeated field the first item is set. In a
// Struct the string value of a member named "key" is set, then a key, whose path is the Struct's.
void ForEachStringField(
    const google::protobuf::Message& request, std::string_view text,
    const std::function<void(const std::string& path, const google::protobuf::Message&)>& visit);

}  // namespace alma::testing
