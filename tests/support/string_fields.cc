#include "tests/support/string_fields.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/struct.pb.h"

namespace alma::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Struct;
using Visit = std::function<void(const std::string&, const Message&)>;

// Walks the fields of `at`, a part of `whole`, and puts each back as it was after the visit.
class Walk {
 public:
  Walk(Message* whole, std::string_view text, const Visit& visit)
      : whole_(whole), text_(text), visit_(visit) {}

  void Fields(Message* at, const std::string& prefix) {
    if (at->GetDescriptor() == Struct::descriptor()) {
      return Object(static_cast<Struct*>(at), prefix);
    }
    for (int i = 0; i < at->GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *at->GetDescriptor()->field(i);
      const std::unique_ptr<Message> before(at->New());
      before->CopyFrom(*at);
      Field(at, field,
            absl::StrCat(prefix, prefix.empty() ? "" : ".", field.name(),
                         field.is_repeated() ? "[0]" : ""));
      at->CopyFrom(*before);
    }
  }

 private:
  void Field(Message* at, const FieldDescriptor& field, const std::string& path) {
    const auto& reflection = *at->GetReflection();
    if (field.type() == FieldDescriptor::TYPE_STRING) {
      if (field.is_repeated()) {
        reflection.ClearField(at, &field);
        reflection.AddString(at, &field, std::string(text_));
      } else {
        reflection.SetString(at, &field, std::string(text_));
      }
      visit_(path, *whole_);
    } else if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
      if (!field.is_repeated()) return Fields(reflection.MutableMessage(at, &field), path);
      const bool none = reflection.FieldSize(*at, &field) == 0;
      Fields(none ? reflection.AddMessage(at, &field)
                  : reflection.MutableRepeatedMessage(at, &field, 0),
             path);
    }
  }

  void Object(Struct* object, const std::string& path) {
    (*object->mutable_fields())["key"].set_string_value(std::string(text_));
    visit_(absl::StrCat(path, ".key"), *whole_);
    object->Clear();
    (*object->mutable_fields())[std::string(text_)].set_bool_value(true);
    visit_(path, *whole_);
    object->Clear();
  }

  Message* const whole_;
  const std::string_view text_;
  const Visit& visit_;
};

}  // namespace

void ForEachStringField(const Message& request, std::string_view text, const Visit& visit) {
  const std::unique_ptr<Message> copy(request.New());
  copy->CopyFrom(request);
  Walk(copy.get(), text, visit).Fields(copy.get(), "");
}

}  // namespace alma::testing
