#include "common/metrics/exposer.h"

#include <exception>

#include <prometheus/exposer.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace alma::metrics {

absl::StatusOr<std::shared_ptr<prometheus::Exposer>> Expose(const std::string& address,
                                                            const Calls& calls) {
  try {
    auto exposer = std::make_shared<prometheus::Exposer>(address, /*num_threads=*/1);
    exposer->RegisterCollectable(calls.registry());
    return exposer;
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
  }
}

}  // namespace alma::metrics
