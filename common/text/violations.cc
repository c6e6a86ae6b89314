#include "common/text/violations.h"

#include <utility>

namespace alma::text {

void Violations::Add(std::string_view field, std::string_view description) {
  if (kept_.size() == status::kMaxListedViolations) {
    ++unlisted_;
    return;
  }
  std::string path = prefix_;
  if (!path.empty()) path += '.';
  path += field;
  kept_.push_back({std::move(path), std::string(description)});
}

absl::Status Violations::ToStatus() const {
  if (empty()) return absl::OkStatus();
  return status::FieldsInvalid(kept_, unlisted_);
}

}  // namespace alma::text
