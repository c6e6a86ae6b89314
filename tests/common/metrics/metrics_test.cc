#include "common/metrics/metrics.h"

#include <map>
#include <string>
#include <thread>
#include <vector>

#include <prometheus/exposer.h>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"
#include "common/metrics/exposer.h"

namespace alma::metrics {
namespace {

std::map<std::string, std::string> Labels(const prometheus::ClientMetric& metric) {
  std::map<std::string, std::string> labels;
  for (const auto& label : metric.label) labels[label.name] = label.value;
  return labels;
}

prometheus::MetricFamily Family(const Calls& calls, const std::string& name) {
  for (const prometheus::MetricFamily& family : calls.registry()->Collect()) {
    if (family.name == name) return family;
  }
  FAIL("no family " << name);
  return {};
}

// The counters that are not 0, by "method code".
std::map<std::string, double> Counted(const Calls& calls) {
  std::map<std::string, double> counted;
  for (const auto& metric : Family(calls, "alma_calls_total").metric) {
    if (metric.counter.value > 0) {
      counted[absl::StrCat(Labels(metric)["method"], " ", Labels(metric)["code"])] =
          metric.counter.value;
    }
  }
  return counted;
}

TEST_CASE("calls are counted by method and code") {
  Calls calls;
  const auto get = calls.Add("/s/Get");
  const auto list = calls.Add("/s/List");
  CHECK(Counted(calls).empty());
  get->Record(grpc::StatusCode::OK, absl::Milliseconds(1));
  get->Record(grpc::StatusCode::OK, absl::Milliseconds(1));
  get->Record(grpc::StatusCode::UNAUTHENTICATED, absl::Milliseconds(1));
  list->Record(grpc::StatusCode::NOT_FOUND, absl::Milliseconds(1));
  CHECK(Counted(calls) == std::map<std::string, double>{{"/s/Get OK", 2},
                                                        {"/s/Get UNAUTHENTICATED", 1},
                                                        {"/s/List NOT_FOUND", 1}});
}

TEST_CASE("every gRPC code has its name") {
  Calls calls;
  const auto method = calls.Add("/s/Get");
  for (int code = 0; code <= grpc::StatusCode::UNAUTHENTICATED; ++code) {
    method->Record(static_cast<grpc::StatusCode>(code), absl::ZeroDuration());
  }
  const auto counted = Counted(calls);
  CHECK(counted.size() == grpc::StatusCode::UNAUTHENTICATED + 1);
  CHECK(counted.count("/s/Get DEADLINE_EXCEEDED") == 1);
  CHECK(counted.count("/s/Get RESOURCE_EXHAUSTED") == 1);
}

TEST_CASE("the time that calls take is kept in seconds") {
  Calls calls;
  const auto method = calls.Add("/s/Get");
  method->Record(grpc::StatusCode::OK, absl::Milliseconds(3));
  method->Record(grpc::StatusCode::INTERNAL, absl::Seconds(20));
  const auto family = Family(calls, "alma_call_seconds");
  REQUIRE(family.metric.size() == 1);
  const auto& histogram = family.metric[0].histogram;
  CHECK(Labels(family.metric[0]).at("method") == "/s/Get");
  CHECK(histogram.sample_count == 2);
  CHECK(histogram.sample_sum == Approx(20.003));
  for (const auto& bucket : histogram.bucket) {
    CAPTURE(bucket.upper_bound);
    const double reached =
        (bucket.upper_bound >= 0.003 ? 1 : 0) + (bucket.upper_bound >= 20 ? 1 : 0);
    CHECK(bucket.cumulative_count == reached);
  }
}

TEST_CASE("calls of many threads are all counted") {
  Calls calls;
  const auto method = calls.Add("/s/Get");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5000; ++n) method->Record(grpc::StatusCode::OK, absl::Milliseconds(1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(Counted(calls).at("/s/Get OK") == 20'000);
}

TEST_CASE("a method is counted again under the same name") {
  Calls calls;
  calls.Add("/s/Get")->Record(grpc::StatusCode::OK, absl::Milliseconds(1));
  calls.Add("/s/Get")->Record(grpc::StatusCode::OK, absl::Milliseconds(1));
  CHECK(Counted(calls).at("/s/Get OK") == 2);
}

TEST_CASE("metrics are exposed on an address of which there is one") {
  Calls calls;
  const auto exposer = Expose("127.0.0.1:0", calls);
  REQUIRE(exposer.ok());
  const std::vector<int> ports = (*exposer)->GetListeningPorts();
  REQUIRE(ports.size() == 1);
  CHECK(Expose(absl::StrCat("127.0.0.1:", ports[0]), calls).status().code() ==
        absl::StatusCode::kUnavailable);
  CHECK(Expose("no address", calls).status().code() == absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace alma::metrics
