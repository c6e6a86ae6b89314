#pragma once

#include "catch2/catch.hpp"
#include "common/wire/encoded.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "tests/support/json.h"

// What lists answer.
namespace alma::testing {

// The message that the bytes stand for. It is a temporary: a loop over its rows needs it in a
// variable.
template <typename Message>
Message Decoded(const wire::Encoded<Message>& encoded) {
  Message message;
  REQUIRE(message.ParseFromString(encoded.bytes));
  return message;
}

// Checks that the answer to a list has `count` rows, each as `get(row)` answers it, and nothing
// else but a token, not even a field that is not known.
template <typename Response, typename Resource, typename Get>
void CheckListed(Response listed, google::protobuf::RepeatedPtrField<Resource>* (Response::*rows)(),
                 int count, Get get) {
  Response expected;
  for (const Resource& row : *(listed.*rows)()) *(expected.*rows)()->Add() = get(row);
  expected.set_next_page_token(listed.next_page_token());
  INFO(listed.DebugString());
  CHECK((listed.*rows)()->size() == count);
  CHECK(Equal(listed, expected));
}

}  // namespace alma::testing
