#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/system/conversations.h"

// A source's messages and their import, which may be cut and goes on from where it was committed.
namespace alma::testing {

// Its messages belong in turn to the conversations, each a second after the one before.
struct Source {
  std::vector<std::string> conversations;
  int messages;
};

// The n-th message of the source.
conversations::v1::ImportMessagesRequest ImportItem(const Source& source, int n);

struct Imported {
  // The position in the source up to which all is committed; one before the first sent at least.
  int committed;
  // Whether an item was.
  bool refused;
  grpc::Status status;
};

// Sends the messages from `first` on until all are answered or the stream breaks. `on_answer` is
// told of each answer and may cut the call. Does not assert.
Imported ImportFrom(
    const Client& client, const Source& source, int first,
    const std::function<void(grpc::ClientContext&)>& on_answer = [](grpc::ClientContext&) {});

// Fails the test case unless each conversation has its share of the messages, once, in the order of
// the source, and their revisions have no gap.
void CheckImported(const Client& client, const Source& source);

}  // namespace alma::testing
