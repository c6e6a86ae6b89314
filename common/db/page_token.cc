#include "common/db/page_token.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/status/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace alma::db {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

constexpr std::size_t kMacBytes = 16;

void WriteBytes(std::string_view bytes, CodedOutputStream* out) {
  out->WriteVarint64(bytes.size());
  out->WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
}

std::string SerializeKeys(const std::vector<std::string>& keys) {
  std::string payload;
  StringOutputStream stream(&payload);
  CodedOutputStream out(&stream);
  for (const std::string& key : keys) WriteBytes(key, &out);
  out.Trim();
  return payload;
}

std::optional<std::vector<std::string>> ParseKeys(std::string_view payload) {
  const int size = static_cast<int>(payload.size());
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(payload.data()), size);
  std::vector<std::string> keys;
  while (in.CurrentPosition() < size) {
    int key_size = 0;
    if (!in.ReadVarintSizeAsInt(&key_size) || !in.ReadString(&keys.emplace_back(), key_size)) {
      return std::nullopt;
    }
  }
  return keys;
}

// What the MAC covers. Every part has its length in front, so that none can flow into the next.
std::string SignedText(std::string_view payload, const Message& request,
                       std::string_view organization_uuid) {
  const std::unique_ptr<Message> filters(request.New());
  filters->CopyFrom(request);
  for (const char* name : {"page_size", "page_token"}) {
    const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) filters->GetReflection()->ClearField(filters.get(), field);
  }
  std::string text;
  StringOutputStream stream(&text);
  CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  WriteBytes(payload, &out);
  WriteBytes(organization_uuid, &out);
  WriteBytes(request.GetDescriptor()->full_name(), &out);
  filters->SerializeToCodedStream(&out);
  out.Trim();
  return text;
}

}  // namespace

PageTokens::PageTokens(const auth::Secrets& secrets) : keys_(secrets, "alma page token v1") {}

std::string PageTokens::Encode(const Message& request, std::string_view organization_uuid,
                               const std::vector<std::string>& keys) const {
  std::string token = SerializeKeys(keys);
  const auth::Mac mac = keys_.Sign(SignedText(token, request, organization_uuid));
  token.append(mac.begin(), mac.begin() + kMacBytes);
  return absl::WebSafeBase64Escape(token);
}

absl::StatusOr<std::vector<std::string>> PageTokens::Decode(const Message& request,
                                                            std::string_view organization_uuid,
                                                            std::string_view token) const {
  std::string bytes;
  // Encoding it again catches what the decoder forgives: padding, white space, stray last bits.
  if (!absl::WebSafeBase64Unescape({token.data(), token.size()}, &bytes) ||
      absl::WebSafeBase64Escape(bytes) != token || bytes.size() < kMacBytes) {
    return status::PageTokenInvalid();
  }
  const std::string_view payload = std::string_view(bytes).substr(0, bytes.size() - kMacBytes);
  const std::string_view mac = std::string_view(bytes).substr(payload.size());
  if (!keys_.Verify(SignedText(payload, request, organization_uuid), mac)) {
    return status::PageTokenInvalid();
  }
  std::optional<std::vector<std::string>> keys = ParseKeys(payload);
  if (!keys) return status::PageTokenInvalid();
  return *std::move(keys);
}

}  // namespace alma::db
