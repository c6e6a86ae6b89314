#include "common/text/field_mask.h"

#include <algorithm>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/field_mask_util.h"

namespace alma::text {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::FieldMask;
using google::protobuf::Message;

constexpr std::string_view kEverything = "*";

bool IsPopulated(const Message& resource, std::string_view path) {
  const FieldDescriptor* field = resource.GetDescriptor()->FindFieldByName(std::string(path));
  if (field->is_repeated()) return resource.GetReflection()->FieldSize(resource, field) > 0;
  return resource.GetReflection()->HasField(resource, field);
}

std::string Join(absl::Span<const std::string_view> paths) {
  std::string text;
  for (const std::string_view path : paths) text.append(text.empty() ? "" : ", ").append(path);
  return text;
}

// The text names no path of the client's: it may be long, or not even UTF-8.
void CheckPaths(Violations& violations, const FieldMask& mask,
                absl::Span<const std::string_view> mutable_paths) {
  const auto is_mutable = [&](std::string_view path) {
    return std::find(mutable_paths.begin(), mutable_paths.end(), path) != mutable_paths.end();
  };
  if (!std::all_of(mask.paths().begin(), mask.paths().end(), is_mutable)) {
    violations.Add("update_mask", "must be * alone or name only " + Join(mutable_paths));
  }
}

}  // namespace

void ResolveUpdateMask(Violations& violations, const Message& resource,
                       absl::Span<const std::string_view> mutable_paths, FieldMask* mask) {
  const bool everything = mask->paths_size() == 1 && mask->paths(0) == kEverything;
  if (!everything) CheckPaths(violations, *mask, mutable_paths);
  FieldMask resolved;
  for (const std::string_view path : mutable_paths) {
    const bool named = mask->paths_size() == 0 ? IsPopulated(resource, path) : Names(*mask, path);
    if (everything || named) resolved.add_paths(std::string(path));
  }
  mask->Swap(&resolved);
}

bool Names(const FieldMask& mask, std::string_view path) {
  return std::find(mask.paths().begin(), mask.paths().end(), path) != mask.paths().end();
}

void WriteMasked(const FieldMask& mask, const Message& from, Message* to) {
  google::protobuf::util::FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  google::protobuf::util::FieldMaskUtil::MergeMessageTo(from, mask, options, to);
}

}  // namespace alma::text
