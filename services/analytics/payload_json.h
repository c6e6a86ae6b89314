#pragma once

#include <string>

#include "common/text/violations.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"

// The typed payloads of events and results of analyses as the JSON objects of their columns, by
// reflection: a field's key is its json_name. Fields are strings, int32, double, Structs, and
// messages of such fields, single or repeated.
namespace alma::analytics {

// A string is there even where it is empty, everything else where it is set. Of a
// CustomerInformationDetection nothing empty is there.
google::protobuf::Struct PayloadToJson(const google::protobuf::Message& payload);

// Reads an object strictly into `payload`, which is empty; keys may be missing. Whether it fits;
// where it does not, every key that is unknown or has a value of another kind is a violation of
// `path`.KEY.
bool PayloadFromJson(text::Violations& violations, const std::string& path,
                     const google::protobuf::Struct& json, google::protobuf::Message* payload);

// Which names of a payload's fields its violations show: those of the proto, or the keys.
enum class PathNames { kFields, kKeys };

// Whether the values can be stored: text as everywhere, finite numbers, 64 KiB as JSON. Makes them
// what will be read back: no negative zero, no Struct that is empty.
void CheckPayload(text::Violations& violations, const std::string& path, PathNames names,
                  google::protobuf::Message* payload);

}  // namespace alma::analytics
