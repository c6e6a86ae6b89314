#pragma once

#include <string>

#include "common/rpc/caller.h"

namespace alma::rpc {

inline constexpr char kTraceParent[] = "traceparent";
inline constexpr char kTraceState[] = "tracestate";

// What goes beside a call so that tracing joins its parts, https://www.w3.org/TR/trace-context/.
struct Trace {
  // "00-<32>-<16>-<2>", digits in lower-case hex, the ids not all zero. "" where it was not given,
  // more than once, or in another form.
  std::string parent;
  // At most kMaxTraceStateBytes of visible ASCII and spaces, several entries joined by comma; ""
  // without `parent` too.
  std::string state;
};

// By the W3C's recommendation.
inline constexpr size_t kMaxTraceStateBytes = 512;

Trace TraceOf(const Metadata& metadata);

}  // namespace alma::rpc
