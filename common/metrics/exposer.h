#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/metrics/metrics.h"

namespace prometheus {
class Exposer;
}

namespace alma::metrics {

// Serves `/metrics` on `address` ("127.0.0.1:7480"; port 0 picks one) over plain HTTP until
// destruction. `calls` need not outlive it. UNAVAILABLE when the address cannot be had.
absl::StatusOr<std::shared_ptr<prometheus::Exposer>> Expose(const std::string& address,
                                                            const Calls& calls);

}  // namespace alma::metrics
