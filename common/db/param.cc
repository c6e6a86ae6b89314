#include "common/db/param.h"

#include "common/text/json.h"
#include "common/text/timestamp.h"

namespace alma::db {

Param::Param(std::string_view name, const google::protobuf::Timestamp& time)
    : name_(name), value_(text::FormatTimestamp(time)) {}

Param::Param(std::string_view name, const google::protobuf::Struct& json)
    : name_(name), value_(text::StructToJson(json).value_or("{}")) {}

Param::Param(std::string_view name, const google::protobuf::RepeatedPtrField<std::string>& texts)
    : name_(name), value_(text::TextsToJson(texts)) {}

}  // namespace alma::db
