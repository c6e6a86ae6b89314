#pragma once

#include <cstdint>
#include <string>

namespace alma::testing {

// A loopback address ("127.0.0.1:port") on which nobody listens now, for --metrics_listen.
std::string FreeAddress();

// The page /metrics of a process, as it writes it. Fails the test case where there is none.
std::string Metrics(const std::string& address);

// The sum of what it says of `metric` in all lines that hold `part`.
int64_t Sum(const std::string& metrics, const std::string& metric, const std::string& part = "");

// The calls that it has answered, of all methods and codes; only those of `method`
// ("/package.Service/Method") where it is given.
int64_t AnsweredCalls(const std::string& metrics, const std::string& method = "");

}  // namespace alma::testing
