#include "common/rpc/parse.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <grpcpp/impl/codegen/config_protobuf.h>
#include <grpcpp/impl/codegen/proto_buffer_reader.h>
#include <grpcpp/impl/codegen/proto_buffer_writer.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "alma/rpc/v1/closed.pb.h"
#include "common/status/status.h"
#include "common/text/utf8.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace alma::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// What protobuf's own parser accepts.
constexpr int kMaxNesting = 100;

// Longer than an error shows. A long key would otherwise be copied for each of the items below it.
constexpr size_t kMaxPathBytes = 256;

bool IsString(const FieldDescriptor& field) { return field.type() == FieldDescriptor::TYPE_STRING; }
bool IsMessage(const FieldDescriptor& field) {
  return field.type() == FieldDescriptor::TYPE_MESSAGE;
}
bool IsInt32(const FieldDescriptor& field) {
  return field.type() == FieldDescriptor::TYPE_INT32 && !field.is_repeated();
}

// nullptr where it is in none.
const OneofDescriptor* ClosedOneofOf(const FieldDescriptor& field) {
  const OneofDescriptor* oneof = field.containing_oneof();
  return oneof != nullptr && oneof->options().GetExtension(v1::closed) ? oneof : nullptr;
}

// Timestamps, Structs and the like, which protobuf's own rules are enough for.
bool IsWellKnown(const Descriptor& type) { return type.file()->package() == "google.protobuf"; }

// Whether bytes of `type` can be wrong in a way that protobuf's parser does not mind.
bool IsStricter(const Descriptor& type, std::set<const Descriptor*>& seen) {
  if (IsWellKnown(type) || !seen.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsInt32(field) || ClosedOneofOf(field) != nullptr) return true;
    if (IsMessage(field) && IsStricter(*field.message_type(), seen)) return true;
  }
  return false;
}

bool IsStricter(const Descriptor& type) {
  thread_local std::map<const Descriptor*, bool> known;
  const auto [entry, is_new] = known.emplace(&type, false);
  if (is_new) {
    std::set<const Descriptor*> seen;
    entry->second = IsStricter(type, seen);
  }
  return entry->second;
}

// Walks the bytes of a message to name the fields that it is refused for: those whose text is not
// valid, for which protobuf's parser says only no, and those that it takes without a word, integers
// that it would cut to 32 bits, what it does not know in a closed oneof, and all members of one but
// the last.
class Walker {
  using Members = std::map<const OneofDescriptor*, const FieldDescriptor*>;

 public:
  // `is_parsed`: the text has been looked at already.
  Walker(CodedInputStream& in, bool is_parsed) : in_(in), is_parsed_(is_parsed) {}

  // Whether the bytes up to the current limit are well formed.
  bool Walk(const Descriptor& type, const std::string& path, int nesting, bool closed) {
    if (nesting > kMaxNesting) return Report(path, "nests too deeply");
    std::vector<int> counts(type.field_count());
    Members members;
    std::string key;
    bool told = false;
    while (const uint32_t tag = in_.ReadTag()) {
      const FieldDescriptor* field = FieldOf(type, tag);
      if (field == nullptr && closed && !std::exchange(told, true)) {
        Report(path, "has a field that is not known here");
      }
      if (field != nullptr) CheckAlone(*field, path, members);
      if (field == nullptr || !IsLookedAt(*field)) {
        if (!WireFormatLite::SkipField(&in_, tag)) return false;
        continue;
      }
      const std::string name = PathOf(path, *field, counts[field->index()]++, key);
      const bool within_closed = closed || ClosedOneofOf(*field) != nullptr;
      if (!WalkField(*field, name, nesting, within_closed, &key)) return false;
    }
    return in_.ConsumedEntireMessage();
  }

  const std::vector<status::FieldViolation>& violations() const { return violations_; }

 private:
  // nullptr where the parser would not take the bytes behind `tag` for a field of `type`.
  static const FieldDescriptor* FieldOf(const Descriptor& type, uint32_t tag) {
    const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
    if (field == nullptr) return nullptr;
    const WireFormatLite::WireType wire_type = WireFormatLite::GetTagWireType(tag);
    const bool packed =
        field->is_packable() && wire_type == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
    const auto field_type = static_cast<WireFormatLite::FieldType>(field->type());
    return packed || wire_type == WireFormatLite::WireTypeForFieldType(field_type) ? field
                                                                                   : nullptr;
  }

  // `members`: what each closed oneof has held so far.
  void CheckAlone(const FieldDescriptor& field, const std::string& path, Members& members) {
    const OneofDescriptor* oneof = ClosedOneofOf(field);
    if (oneof == nullptr) return;
    const FieldDescriptor* first = members.emplace(oneof, &field).first->second;
    if (first != &field) {
      Report(PathOf(path, field, 0, ""), "cannot be combined with " + first->name());
    }
  }

  bool IsLookedAt(const FieldDescriptor& field) const {
    if (IsMessage(field)) return !is_parsed_ || !IsWellKnown(*field.message_type());
    return IsInt32(field) || (IsString(field) && !is_parsed_);
  }

  bool WalkField(const FieldDescriptor& field, const std::string& name, int nesting, bool closed,
                 std::string* key) {
    if (IsString(field)) return WalkString(name, key);
    if (IsInt32(field)) return WalkInt32(name);
    return WalkMessage(*field.message_type(), name, nesting,
                       closed && !IsWellKnown(*field.message_type()));
  }

  // As CheckStruct has them: a member of a Struct goes by its key (`key` in a map's entry), an item
  // of its lists by its number.
  static std::string PathOf(const std::string& parent, const FieldDescriptor& field, int index,
                            const std::string& key) {
    const Descriptor& type = *field.containing_type();
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

  bool WalkInt32(const std::string& path) {
    uint64_t number = 0;
    if (!in_.ReadVarint64(&number)) return false;
    const auto whole = static_cast<int64_t>(number);
    if (whole != static_cast<int32_t>(whole)) Report(path, "must be an integer of 32 bits");
    return true;
  }

  bool WalkMessage(const Descriptor& type, const std::string& path, int nesting, bool closed) {
    int size = 0;
    if (!in_.ReadVarintSizeAsInt(&size)) return false;
    const CodedInputStream::Limit limit = in_.PushLimit(size);
    const bool well_formed = Walk(type, path, nesting + 1, closed);
    in_.PopLimit(limit);
    return well_formed;
  }

  bool Report(const std::string& path, const std::string& description) {
    if (violations_.size() < status::kMaxListedViolations) {
      violations_.push_back({path, description});
    }
    return false;
  }

  CodedInputStream& in_;
  const bool is_parsed_;
  std::vector<status::FieldViolation> violations_;
};

// Why a message is refused; OK where it is not.
absl::Status FindFault(const grpc::ByteBuffer& in, const Descriptor& type, bool is_parsed) {
  grpc::ByteBuffer copy = in;
  grpc::ProtoBufferReader reader(&copy);
  if (!reader.status().ok()) return status::MalformedRequest();
  CodedInputStream stream(&reader);
  Walker walker(stream, is_parsed);
  walker.Walk(type, "", 0, /*closed=*/false);
  // A field that is named is a better answer than the damage that may follow it.
  if (!walker.violations().empty()) return status::FieldsInvalid(walker.violations());
  return is_parsed ? absl::OkStatus() : status::MalformedRequest();
}

}  // namespace

absl::Status Parse(const grpc::ByteBuffer& in, google::protobuf::Message* message) {
  const Descriptor& type = *message->GetDescriptor();
  grpc::ByteBuffer copy = in;
  grpc::ProtoBufferReader reader(&copy);
  if (!reader.status().ok() || !message->ParseFromZeroCopyStream(&reader)) {
    return FindFault(in, type, /*is_parsed=*/false);
  }
  // They are not stored, so no answer may carry them back.
  message->DiscardUnknownFields();
  return IsStricter(type) ? FindFault(in, type, /*is_parsed=*/true) : absl::OkStatus();
}

absl::Status Serialize(const google::protobuf::Message& message, grpc::ByteBuffer* out) {
  bool own_buffer = false;
  const grpc::Status done =
      grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, out,
                                                                                 &own_buffer);
  return done.ok() ? absl::OkStatus() : status::Internal();
}

}  // namespace alma::rpc
