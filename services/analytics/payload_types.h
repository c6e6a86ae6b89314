#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/text/checks.h"
#include "common/text/violations.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"

namespace alma::analytics {

// An UPPER_SNAKE word of at most 64 letters, digits and underscores that begins with a letter.
void CheckUpperSnake(text::Violations& violations, std::string_view field, std::string_view word,
                     text::Presence presence = text::Presence::kRequired);

// The types of events or of analyses: those that have a message of their own in the resource's
// oneof, and all other words, whose content is the Struct `custom` of that oneof. The field of a
// type is its name in lower case, so a field is all that a new type needs. Immutable, thread-safe.
class PayloadTypes {
 public:
  // Event.payload with event_type, Analysis.result with analysis_type.
  static const PayloadTypes& OfEvents();
  static const PayloadTypes& OfAnalyses();

  // The field of a type; nullptr where the type has no message of its own.
  const google::protobuf::FieldDescriptor* FieldOf(std::string_view type) const;

  // The field of the oneof that is set; nullptr where none is.
  const google::protobuf::FieldDescriptor* SetFieldOf(
      const google::protobuf::Message& resource) const;

  // Checks type and content of a resource to create and brings them into the form in which they are
  // read back: the type of a message is filled in, and `custom` of a type that has a message is
  // read strictly into that. Answers the path of the content, empty where there is none or it does
  // not fit its type.
  std::string CheckNew(text::Violations& violations, google::protobuf::Message* resource) const;

  // The same of the content alone, while the type is not known: `custom` stays as it is.
  void CheckContent(text::Violations& violations, google::protobuf::Message* resource) const;

  // Reads `custom` into the message of the resource's type, where it has one; whether it fits.
  bool ReadCustom(text::Violations& violations, google::protobuf::Message* resource) const;

  // Gives a resource without content the empty message of its type, where it has one.
  void FillIn(google::protobuf::Message* resource) const;

  // The content as the JSON of its column; nullopt where there is none.
  std::optional<google::protobuf::Struct> ToJson(const google::protobuf::Message& resource) const;

  // The way back, by the resource's type. What does not fit that, as when an older binary knew no
  // message for it, becomes `custom`.
  void FromJson(google::protobuf::Struct json, google::protobuf::Message* resource) const;

 private:
  PayloadTypes(const google::protobuf::OneofDescriptor& oneof,
               const google::protobuf::FieldDescriptor& type);

  std::string TypeIn(const google::protobuf::Message& resource) const;
  google::protobuf::Struct* MutableCustom(google::protobuf::Message* resource) const;

  const google::protobuf::OneofDescriptor& oneof_;
  const google::protobuf::FieldDescriptor& type_;
  const google::protobuf::FieldDescriptor& custom_;
};

}  // namespace alma::analytics
