#include "services/analytics/payload_types.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "alma/analytics/v1/analyses.pb.h"
#include "alma/analytics/v1/events.pb.h"
#include "common/text/requests.h"
#include "services/analytics/payload_json.h"

namespace alma::analytics {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Struct;
using text::Violations;

bool IsUpperSnake(std::string_view word) {
  return absl::ascii_isupper(static_cast<unsigned char>(word.front())) &&
         std::all_of(word.begin(), word.end(), [](unsigned char c) {
           return absl::ascii_isupper(c) || absl::ascii_isdigit(c) || c == '_';
         });
}

std::string TypeOf(const FieldDescriptor& field) { return absl::AsciiStrToUpper(field.name()); }

}  // namespace

void CheckUpperSnake(Violations& violations, std::string_view field, std::string_view word,
                     text::Presence presence) {
  if (word.empty()) {
    if (presence == text::Presence::kRequired) violations.Add(field, "must not be empty");
  } else if (word.size() > text::kMaxWordCodePoints || !IsUpperSnake(word)) {
    violations.Add(field, "must be an UPPER_SNAKE word of at most 64 characters");
  }
}

PayloadTypes::PayloadTypes(const google::protobuf::OneofDescriptor& oneof,
                           const FieldDescriptor& type)
    : oneof_(oneof), type_(type), custom_(*oneof.containing_type()->FindFieldByName("custom")) {}

const PayloadTypes& PayloadTypes::OfEvents() {
  static const PayloadTypes types(*v1::Event::descriptor()->FindOneofByName("payload"),
                                  *v1::Event::descriptor()->FindFieldByName("event_type"));
  return types;
}

const PayloadTypes& PayloadTypes::OfAnalyses() {
  static const PayloadTypes types(*v1::Analysis::descriptor()->FindOneofByName("result"),
                                  *v1::Analysis::descriptor()->FindFieldByName("analysis_type"));
  return types;
}

const FieldDescriptor* PayloadTypes::FieldOf(std::string_view type) const {
  const FieldDescriptor* field =
      oneof_.containing_type()->FindFieldByName(absl::AsciiStrToLower(std::string(type)));
  const bool is_type = field != nullptr && field != &custom_ &&
                       field->containing_oneof() == &oneof_ && TypeOf(*field) == type;
  return is_type ? field : nullptr;
}

const FieldDescriptor* PayloadTypes::SetFieldOf(const Message& resource) const {
  return resource.GetReflection()->GetOneofFieldDescriptor(resource, &oneof_);
}

std::string PayloadTypes::TypeIn(const Message& resource) const {
  return resource.GetReflection()->GetString(resource, &type_);
}

Struct* PayloadTypes::MutableCustom(Message* resource) const {
  return static_cast<Struct*>(resource->GetReflection()->MutableMessage(resource, &custom_));
}

std::string PayloadTypes::CheckNew(Violations& violations, Message* resource) const {
  const FieldDescriptor* field = SetFieldOf(*resource);
  if (field == nullptr || field == &custom_) {
    CheckUpperSnake(violations, type_.name(), TypeIn(*resource));
    if (field == nullptr) return "";
    const bool fits = text::CheckFreeJson(violations, custom_.name(), MutableCustom(resource)) &&
                      ReadCustom(violations, resource);
    return fits ? custom_.name() : "";
  }
  const std::string type = TypeOf(*field);
  const std::string given = TypeIn(*resource);
  if (!given.empty() && given != type) {
    violations.Add(type_.name(), absl::StrCat("must be empty or ", type, " with ", field->name()));
  }
  resource->GetReflection()->SetString(resource, &type_, type);
  CheckContent(violations, resource);
  return field->name();
}

void PayloadTypes::CheckContent(Violations& violations, Message* resource) const {
  const FieldDescriptor* field = SetFieldOf(*resource);
  if (field == nullptr) return;
  if (field == &custom_) {
    text::CheckFreeJson(violations, custom_.name(), MutableCustom(resource));
  } else {
    CheckPayload(violations, field->name(), PathNames::kFields,
                 resource->GetReflection()->MutableMessage(resource, field));
  }
}

bool PayloadTypes::ReadCustom(Violations& violations, Message* resource) const {
  const FieldDescriptor* field = FieldOf(TypeIn(*resource));
  if (field == nullptr) return true;
  const Struct json = std::move(*MutableCustom(resource));
  Message* payload = resource->GetReflection()->MutableMessage(resource, field);
  if (!PayloadFromJson(violations, custom_.name(), json, payload)) return false;
  CheckPayload(violations, custom_.name(), PathNames::kKeys, payload);
  return true;
}

void PayloadTypes::FillIn(Message* resource) const {
  const FieldDescriptor* field = FieldOf(TypeIn(*resource));
  if (field != nullptr && SetFieldOf(*resource) == nullptr) {
    resource->GetReflection()->MutableMessage(resource, field);
  }
}

std::optional<Struct> PayloadTypes::ToJson(const Message& resource) const {
  const FieldDescriptor* field = SetFieldOf(resource);
  if (field == nullptr) return std::nullopt;
  const Message& payload = resource.GetReflection()->GetMessage(resource, field);
  return field == &custom_ ? static_cast<const Struct&>(payload) : PayloadToJson(payload);
}

void PayloadTypes::FromJson(Struct json, Message* resource) const {
  if (const FieldDescriptor* field = FieldOf(TypeIn(*resource))) {
    Violations ignored;
    Message* payload = resource->GetReflection()->MutableMessage(resource, field);
    if (PayloadFromJson(ignored, custom_.name(), json, payload)) return;
  }
  *MutableCustom(resource) = std::move(json);
}

}  // namespace alma::analytics
