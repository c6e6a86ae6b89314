#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/wire_format_lite.h"

// Appends fields to the bytes of a protobuf message, as protobuf itself would write them.
namespace alma::status {

inline void AppendVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

// Of the types int32, int64 and the like.
inline void AppendNumber(int field, int64_t value, std::string* out) {
  using google::protobuf::internal::WireFormatLite;
  AppendVarint(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_VARINT), out);
  AppendVarint(static_cast<uint64_t>(value), out);
}

// Of the types string, bytes and of messages.
inline void AppendBytes(int field, std::string_view value, std::string* out) {
  using google::protobuf::internal::WireFormatLite;
  AppendVarint(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), out);
  AppendVarint(value.size(), out);
  out->append(value);
}

}  // namespace alma::status
