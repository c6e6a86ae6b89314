#include "services/analytics/payload_json.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "alma/analytics/v1/event_payloads.pb.h"
#include "common/text/checks.h"
#include "common/text/json.h"
#include "common/text/requests.h"

namespace alma::analytics {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::ListValue;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::Struct;
using google::protobuf::Value;
using text::Violations;

// What a byte of a serialized payload takes in JSON at most, as \u00XX; its keys come on top.
constexpr size_t kMaxJsonBytesPerByte = 6;
constexpr size_t kKeyBytes = 256;

bool IsStruct(const FieldDescriptor& field) { return field.message_type() == Struct::descriptor(); }

// Kept by the empty string too, as the seed's JSON has all its keys.
bool IsAlwaysStored(const FieldDescriptor& field) {
  return !field.has_presence() && !field.is_repeated() &&
         field.containing_type() != v1::CustomerInformationDetection::descriptor();
}

bool IsSet(const Message& payload, const FieldDescriptor& field) {
  const Reflection& reflection = *payload.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(payload, &field) > 0
                             : reflection.HasField(payload, &field);
}

void WriteMessage(const FieldDescriptor& field, const Message& message, Value* value) {
  if (IsStruct(field)) {
    *value->mutable_struct_value() = static_cast<const Struct&>(message);
  } else {
    *value->mutable_struct_value() = PayloadToJson(message);
  }
}

void WriteField(const Message& payload, const FieldDescriptor& field, Value* value) {
  const Reflection& reflection = *payload.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      value->set_string_value(reflection.GetString(payload, &field));
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      value->set_number_value(reflection.GetInt32(payload, &field));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      value->set_number_value(reflection.GetDouble(payload, &field));
      return;
    default:
      break;
  }
  if (!field.is_repeated()) {
    WriteMessage(field, reflection.GetMessage(payload, &field), value);
    return;
  }
  ListValue& list = *value->mutable_list_value();
  for (int i = 0; i < reflection.FieldSize(payload, &field); ++i) {
    WriteMessage(field, reflection.GetRepeatedMessage(payload, &field, i), list.add_values());
  }
}

const FieldDescriptor* FindKey(const Message& payload, std::string_view key) {
  const google::protobuf::Descriptor& type = *payload.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == key) return type.field(i);
  }
  return nullptr;
}

// Reads one value strictly and says what is wrong with it, under its own path.
class Reader {
 public:
  explicit Reader(Violations& violations) : violations_(violations) {}

  bool Read(const std::string& path, const Struct& json, Message* payload) {
    bool fits = true;
    for (const auto& [key, value] : json.fields()) {
      const std::string at = absl::StrCat(path, ".", key);
      const FieldDescriptor* field = FindKey(*payload, key);
      fits &= field == nullptr ? Refuse(at, "is not a key of this type")
                               : ReadField(at, value, *field, payload);
    }
    return fits;
  }

 private:
  bool Refuse(const std::string& path, std::string_view description) {
    violations_.Add(path, description);
    return false;
  }

  bool ReadField(const std::string& path, const Value& value, const FieldDescriptor& field,
                 Message* payload) {
    const Reflection& reflection = *payload->GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        if (!value.has_string_value()) return Refuse(path, "must be a string");
        reflection.SetString(payload, &field, value.string_value());
        return true;
      case FieldDescriptor::CPPTYPE_INT32: {
        const double number = value.number_value();
        if (!value.has_number_value() || number != std::trunc(number) ||
            number < std::numeric_limits<int32_t>::min() ||
            number > std::numeric_limits<int32_t>::max()) {
          return Refuse(path, "must be an integer of 32 bits");
        }
        reflection.SetInt32(payload, &field, static_cast<int32_t>(number));
        return true;
      }
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (!value.has_number_value()) return Refuse(path, "must be a number");
        reflection.SetDouble(payload, &field, value.number_value());
        return true;
      default:
        break;
    }
    if (!field.is_repeated()) {
      return ReadMessage(path, value, field, reflection.MutableMessage(payload, &field));
    }
    if (!value.has_list_value()) return Refuse(path, "must be a list");
    bool fits = true;
    for (int i = 0; i < value.list_value().values_size(); ++i) {
      fits &= ReadMessage(absl::StrCat(path, "[", i, "]"), value.list_value().values(i), field,
                          reflection.AddMessage(payload, &field));
    }
    return fits;
  }

  bool ReadMessage(const std::string& path, const Value& value, const FieldDescriptor& field,
                   Message* message) {
    if (!value.has_struct_value()) return Refuse(path, "must be an object");
    if (!IsStruct(field)) return Read(path, value.struct_value(), message);
    *static_cast<Struct*>(message) = value.struct_value();
    return true;
  }

  Violations& violations_;
};

void CheckFields(Violations& violations, const std::string& path, PathNames names,
                 Message* payload) {
  const google::protobuf::Descriptor& type = *payload->GetDescriptor();
  const Reflection& reflection = *payload->GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!IsSet(*payload, *field)) continue;
    const std::string at =
        absl::StrCat(path, ".", names == PathNames::kKeys ? field->json_name() : field->name());
    if (field->is_repeated()) {
      for (int j = 0; j < reflection.FieldSize(*payload, field); ++j) {
        CheckFields(violations, absl::StrCat(at, "[", j, "]"), names,
                    reflection.MutableRepeatedMessage(payload, field, j));
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      text::CheckContent(violations, at, reflection.GetString(*payload, field),
                         text::Presence::kOptional);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      const double number = reflection.GetDouble(*payload, field);
      if (!std::isfinite(number)) violations.Add(at, "must be a finite number");
      if (number == 0.0) reflection.SetDouble(payload, field, 0.0);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && IsStruct(*field)) {
      auto* object = static_cast<Struct*>(reflection.MutableMessage(payload, field));
      if (object->fields().empty()) {
        reflection.ClearField(payload, field);
      } else {
        text::CheckFreeJson(violations, at, object);
      }
    }
  }
}

bool FitsAsJson(const Message& payload) {
  if (payload.ByteSizeLong() * kMaxJsonBytesPerByte + kKeyBytes <= text::kMaxStructBytes) {
    return true;
  }
  const absl::StatusOr<std::string> json = text::StructToJson(PayloadToJson(payload));
  // What has no JSON at all is a violation of its own.
  return !json.ok() || json->size() <= text::kMaxStructBytes;
}

}  // namespace

Struct PayloadToJson(const Message& payload) {
  Struct json;
  const google::protobuf::Descriptor& type = *payload.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!IsAlwaysStored(field) && !IsSet(payload, field)) continue;
    WriteField(payload, field, &(*json.mutable_fields())[field.json_name()]);
  }
  return json;
}

bool PayloadFromJson(Violations& violations, const std::string& path, const Struct& json,
                     Message* payload) {
  return Reader(violations).Read(path, json, payload);
}

void CheckPayload(Violations& violations, const std::string& path, PathNames names,
                  Message* payload) {
  CheckFields(violations, path, names, payload);
  if (!FitsAsJson(*payload)) violations.Add(path, "must take at most 64 KiB as JSON");
}

}  // namespace alma::analytics
