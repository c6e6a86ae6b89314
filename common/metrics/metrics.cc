#include "common/metrics/metrics.h"

#include <string_view>

#include <prometheus/family.h>

#include "common/status/status.h"

namespace alma::metrics {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

}  // namespace

Method::Method(prometheus::Family<prometheus::Counter>& calls,
               prometheus::Family<prometheus::Histogram>& seconds, const std::string& path)
    : seconds_(seconds.Add({{"method", path}}, kSeconds)) {
  for (size_t code = 0; code < calls_.size(); ++code) {
    const std::string_view name = status::CodeName(static_cast<grpc::StatusCode>(code));
    calls_[code] = &calls.Add({{"method", path}, {"code", std::string(name)}});
  }
}

void Method::Record(grpc::StatusCode code, absl::Duration elapsed) {
  calls_[code]->Increment();
  seconds_.Observe(absl::ToDoubleSeconds(elapsed));
}

Calls::Calls()
    : registry_(std::make_shared<prometheus::Registry>()),
      calls_(prometheus::BuildCounter()
                 .Name("alma_calls_total")
                 .Help("Calls answered, by method and gRPC status code.")
                 .Register(*registry_)),
      seconds_(prometheus::BuildHistogram()
                   .Name("alma_call_seconds")
                   .Help("Time from the arrival of a call to its answer, in seconds.")
                   .Register(*registry_)) {}

std::unique_ptr<Method> Calls::Add(const std::string& path) {
  return std::make_unique<Method>(calls_, seconds_, path);
}

}  // namespace alma::metrics
