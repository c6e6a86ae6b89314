#include "common/rpc/trace.h"

#include <string>
#include <utility>
#include <vector>

#include "catch2/catch.hpp"

namespace alma::rpc {
namespace {

const std::string kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

Trace Of(const std::vector<std::pair<std::string, std::string>>& entries) {
  Metadata metadata;
  for (const auto& [key, value] : entries) metadata.emplace(key, value);
  return TraceOf(metadata);
}

TEST_CASE("a trace parent in the form of the W3C is taken as it is") {
  for (const std::string& parent : {kParent, kParent.substr(0, 53) + "00"}) {
    CHECK(Of({{"traceparent", parent}}).parent == parent);
  }
}

TEST_CASE("a trace parent in any other form is ignored and its state with it") {
  const std::string zeros(32, '0');
  const std::vector<std::string> malformed = {
      "",
      "trace",
      "00-1-1-01",
      kParent.substr(0, 54),
      kParent + "0",
      kParent + "-extra",
      "ff" + kParent.substr(2),
      "01" + kParent.substr(2),
      "00-" + zeros + kParent.substr(35),
      kParent.substr(0, 36) + zeros.substr(0, 16) + "-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
      "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
      " " + kParent.substr(1),
  };
  for (const std::string& parent : malformed) {
    CAPTURE(parent);
    const Trace trace = Of({{"traceparent", parent}, {"tracestate", "a=1"}});
    CHECK(trace.parent.empty());
    CHECK(trace.state.empty());
  }
}

TEST_CASE("a trace parent that comes twice is ignored and its state with it") {
  const Trace trace =
      Of({{"traceparent", kParent}, {"traceparent", kParent}, {"tracestate", "a=1"}});
  CHECK(trace.parent.empty());
  CHECK(trace.state.empty());
}

TEST_CASE("entries of a trace state are joined in their order") {
  CHECK(Of({{"traceparent", kParent}, {"tracestate", "a=1"}}).state == "a=1");
  CHECK(Of({{"traceparent", kParent},
            {"tracestate", "a=1, b=2"},
            {"tracestate", ""},
            {"tracestate", "c=3"}})
            .state == "a=1, b=2,c=3");
  CHECK(Of({{"traceparent", kParent}}).state.empty());
  CHECK(Of({{"tracestate", "a=1"}}).state.empty());
}

TEST_CASE("a trace state that is too long or not visible is left out") {
  const std::string longest(kMaxTraceStateBytes, 'x');
  CHECK(Of({{"traceparent", kParent}, {"tracestate", longest}}).state == longest);
  for (const std::string& state : {longest + "x", std::string("a=\x7f"), std::string("a=\t"),
                                   std::string("a=\xc3\xa4"), std::string("a\0", 2)}) {
    const Trace trace = Of({{"traceparent", kParent}, {"tracestate", state}});
    CHECK(trace.state.empty());
    CHECK(trace.parent == kParent);
  }
  const std::string half(256, 'x');
  CHECK(Of({{"traceparent", kParent}, {"tracestate", half}, {"tracestate", half}}).state.empty());
}

}  // namespace
}  // namespace alma::rpc
