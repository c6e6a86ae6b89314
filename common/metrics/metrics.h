#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/support/status_code_enum.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "absl/time/time.h"

namespace alma::metrics {

// Counts and times the calls of one method. Thread-safe.
class Method {
 public:
  Method(prometheus::Family<prometheus::Counter>& calls,
         prometheus::Family<prometheus::Histogram>& seconds, const std::string& path);
  void Record(grpc::StatusCode code, absl::Duration elapsed);

 private:
  std::array<prometheus::Counter*, grpc::StatusCode::UNAUTHENTICATED + 1> calls_;
  prometheus::Histogram& seconds_;
};

// The calls that this process answered, by method and code. Labels are the methods of our own
// protos, so a client cannot add any.
class Calls {
 public:
  Calls();
  // `path` is "/package.Service/Method"; the answer lives as long as this object.
  std::unique_ptr<Method> Add(const std::string& path);
  std::shared_ptr<prometheus::Registry> registry() const { return registry_; }

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& calls_;
  prometheus::Family<prometheus::Histogram>& seconds_;
};

}  // namespace alma::metrics
