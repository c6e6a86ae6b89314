#include "common/rpc/parse.h"

#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/impl/codegen/config_protobuf.h>
#include <grpcpp/impl/codegen/proto_buffer_reader.h>
#include <grpcpp/impl/codegen/proto_buffer_writer.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "common/status/status.h"
#include "common/text/utf8.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace alma::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// What protobuf's own parser accepts.
constexpr int kMaxNesting = 100;

// Longer than an error shows. A long key would otherwise be copied for each of the items below it.
constexpr size_t kMaxPathBytes = 256;

// Walks the bytes of a message that protobuf refused, to name the field that it was refused for:
// its parser says only yes or no.
class Walker {
 public:
  explicit Walker(CodedInputStream& in) : in_(in) {}

  // Whether the bytes up to the current limit are well formed.
  bool Walk(const google::protobuf::Descriptor& type, const std::string& path, int nesting) {
    if (nesting > kMaxNesting) return Report(path, "nests too deeply");
    std::vector<int> counts(type.field_count());
    std::string key;
    while (const uint32_t tag = in_.ReadTag()) {
      const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      const bool delimited =
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      if (field == nullptr || !delimited || !(IsString(*field) || IsMessage(*field))) {
        if (!WireFormatLite::SkipField(&in_, tag)) return false;
        continue;
      }
      const std::string name = PathOf(path, *field, counts[field->index()]++, key);
      if (!(IsString(*field) ? WalkString(name, &key)
                             : WalkMessage(*field->message_type(), name, nesting))) {
        return false;
      }
    }
    return in_.ConsumedEntireMessage();
  }

  const std::vector<status::FieldViolation>& violations() const { return violations_; }

 private:
  static bool IsString(const FieldDescriptor& field) {
    return field.type() == FieldDescriptor::TYPE_STRING;
  }
  static bool IsMessage(const FieldDescriptor& field) {
    return field.type() == FieldDescriptor::TYPE_MESSAGE;
  }

  // As CheckStruct has them: a member of a Struct goes by its key (`key` in a map's entry), an item
  // of its lists by its number.
  static std::string PathOf(const std::string& parent, const FieldDescriptor& field, int index,
                            const std::string& key) {
    const google::protobuf::Descriptor& type = *field.containing_type();
    if (parent.size() >= kMaxPathBytes) return parent;
    if (type.options().map_entry()) {
      return field.number() == 1 || key.empty() ? parent
                                                : parent + "." + key.substr(0, kMaxPathBytes);
    }
    if (type.full_name() == "google.protobuf.Struct" ||
        type.full_name() == "google.protobuf.Value") {
      return parent;
    }
    const bool item = type.full_name() == "google.protobuf.ListValue";
    std::string path = item ? parent : parent.empty() ? field.name() : parent + "." + field.name();
    return field.is_repeated() ? path + "[" + std::to_string(index) + "]" : path;
  }

  // `text` becomes the string that is walked, or empty where it is not valid.
  bool WalkString(const std::string& path, std::string* text) {
    int size = 0;
    if (!in_.ReadVarintSizeAsInt(&size) || !in_.ReadString(text, size)) return false;
    if (text::CountCodePoints(*text).has_value()) return true;
    text->clear();
    Report(path, "is not valid UTF-8");
    return true;
  }

  bool WalkMessage(const google::protobuf::Descriptor& type, const std::string& path, int nesting) {
    int size = 0;
    if (!in_.ReadVarintSizeAsInt(&size)) return false;
    const CodedInputStream::Limit limit = in_.PushLimit(size);
    const bool well_formed = Walk(type, path, nesting + 1);
    in_.PopLimit(limit);
    return well_formed;
  }

  bool Report(const std::string& path, const char* description) {
    if (violations_.size() < status::kMaxListedViolations) {
      violations_.push_back({path, description});
    }
    return false;
  }

  CodedInputStream& in_;
  std::vector<status::FieldViolation> violations_;
};

}  // namespace

absl::Status Parse(const grpc::ByteBuffer& in, google::protobuf::Message* message) {
  grpc::ByteBuffer copy = in;
  {
    grpc::ProtoBufferReader reader(&copy);
    if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) {
      // They are not stored, so no answer may carry them back.
      message->DiscardUnknownFields();
      return absl::OkStatus();
    }
  }
  grpc::ByteBuffer again = in;
  grpc::ProtoBufferReader reader(&again);
  if (!reader.status().ok()) return status::MalformedRequest();
  CodedInputStream stream(&reader);
  Walker walker(stream);
  walker.Walk(*message->GetDescriptor(), "", 0);
  // A field that is named is a better answer than the damage that may follow it.
  if (walker.violations().empty()) return status::MalformedRequest();
  return status::FieldsInvalid(walker.violations());
}

absl::Status Serialize(const google::protobuf::Message& message, grpc::ByteBuffer* out) {
  bool own_buffer = false;
  const grpc::Status done =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, out,
                                                                                 &own_buffer);
  return done.ok() ? absl::OkStatus() : status::Internal();
}

}  // namespace alma::rpc
