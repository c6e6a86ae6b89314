#pragma once

#include <string>

#include "google/protobuf/descriptor.h"

namespace alma::wire {

// A message as its bytes, for answers that are put together from them and sent as they are.
template <typename Type>
struct Encoded {
  using Message = Type;
  static const google::protobuf::Descriptor* descriptor() { return Message::descriptor(); }

  std::string bytes;
};

}  // namespace alma::wire
