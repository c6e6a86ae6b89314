#pragma once

#include <string>

#include "catch2/catch.hpp"
#include "google/protobuf/message.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"

namespace alma::testing {

// The message that JSON stands for, on top of `message`; the test case fails where it is none.
template <typename Message>
Message FromJson(const std::string& json, Message message = {}) {
  Message read;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &read);
  INFO(json << "\n" << status.ToString());
  REQUIRE(status.ok());
  message.MergeFrom(read);
  return message;
}

inline bool Equal(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

}  // namespace alma::testing
