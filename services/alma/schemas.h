#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/serve/storage.h"

namespace alma {

// The schemas of every database of Alma.
serve::Schemas AllSchemas();

// Those of one service, or AllSchemas where `service` is empty. INVALID_ARGUMENT when there is no
// such service.
absl::StatusOr<serve::Schemas> SchemasOf(std::string_view service);

}  // namespace alma
