#pragma once

#include <random>

#include "google/protobuf/message.h"

namespace alma::fuzz {

using Random = std::minstd_rand;

// Changes one field of `message`, at any depth: sets, clears or alters it, or adds or takes out an
// item. Values are those that requests carry (one of a few uuids, names of fields, times around
// today) and those at the edges of their types.
void Mutate(google::protobuf::Message* message, Random& random);

}  // namespace alma::fuzz
