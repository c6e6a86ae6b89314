#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/message_lite.h"
#include "google/protobuf/wire_format_lite.h"

// Appends fields to the bytes of a protobuf message, as protobuf itself would write them.
namespace alma::wire {

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

// What stands before the bytes of a string, bytes or a message.
inline void AppendLength(int field, size_t bytes, std::string* out) {
  using google::protobuf::internal::WireFormatLite;
  AppendVarint(WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), out);
  AppendVarint(bytes, out);
}

// Of the types string, bytes and of messages.
inline void AppendBytes(int field, std::string_view value, std::string* out) {
  AppendLength(field, value.size(), out);
  out->append(value);
}

// A message that has not changed since its ByteSizeLong() was asked for, which is `bytes`.
inline void AppendMessage(int field, const google::protobuf::MessageLite& message, size_t bytes,
                          std::string* out) {
  AppendLength(field, bytes, out);
  const size_t begin = out->size();
  out->resize(begin + bytes);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out->data() + begin));
}

}  // namespace alma::wire
