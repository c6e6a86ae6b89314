#include "common/tenant/idempotency.h"

#include <algorithm>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/message_differencer.h"

namespace alma::tenant {

bool EqualWhereSet(const google::protobuf::Message& wanted,
                   const google::protobuf::Message& stored) {
  using google::protobuf::FieldDescriptor;
  std::vector<const FieldDescriptor*> set;
  wanted.GetReflection()->ListFields(wanted, &set);
  const bool all_stored = std::all_of(set.begin(), set.end(), [&](const FieldDescriptor* field) {
    return !field->has_presence() || stored.GetReflection()->HasField(stored, field);
  });
  google::protobuf::util::MessageDifferencer differencer;
  return all_stored && differencer.CompareWithFields(wanted, stored, set, set);
}

}  // namespace alma::tenant
