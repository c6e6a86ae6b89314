#include "common/rpc/trace.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace alma::rpc {
namespace {

constexpr size_t kParentBytes = 55;

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsId(std::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

bool IsParent(std::string_view text) {
  return text.size() == kParentBytes && text.starts_with("00-") && IsId(text.substr(3, 32)) &&
         text[35] == '-' && IsId(text.substr(36, 16)) && text[52] == '-' && IsHex(text.substr(53));
}

std::string StateOf(const Metadata& metadata) {
  std::string state;
  const auto [first, last] = metadata.equal_range(kTraceState);
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second.empty()) continue;
    if (!state.empty()) state += ',';
    state += View(entry->second);
  }
  const bool visible =
      std::all_of(state.begin(), state.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  return visible && state.size() <= kMaxTraceStateBytes ? state : std::string();
}

}  // namespace

Trace TraceOf(const Metadata& metadata) {
  const auto [first, last] = metadata.equal_range(kTraceParent);
  if (std::distance(first, last) != 1 || !IsParent(View(first->second))) return {};
  return {std::string(View(first->second)), StateOf(metadata)};
}

}  // namespace alma::rpc
