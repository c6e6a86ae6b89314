#pragma once

#include <functional>
#include <string>
#include <vector>

#include "alma/conversations/v1/conversations.grpc.pb.h"
#include "alma/conversations/v1/messages.grpc.pb.h"
#include "tests/support/client.h"

// Conversations and their messages as the tests of this folder write and check them.
namespace alma::testing {

// The uuids of `count` new conversations.
std::vector<std::string> CreateConversations(const Client& client, int count);

// A message to `conversation_uuid` with a uuid of its own.
conversations::v1::CreateMessageRequest NewMessage(const std::string& conversation_uuid);

Answered<conversations::v1::Message> Create(const Client& client,
                                            const conversations::v1::CreateMessageRequest& request);

// Every message of a conversation, in its order.
std::vector<conversations::v1::Message> ListAll(const Client& client,
                                                const std::string& conversation_uuid);

// Fails the test case unless `conversations`, which are all of the organization's, hold
// `acknowledged` as it was answered, that and nothing else, indexes from 0 and revisions from 1
// without a gap, and the counts are right.
void CheckStored(const Client& client, const std::vector<std::string>& conversations,
                 const std::vector<conversations::v1::Message>& acknowledged);

// Runs `body(0)` to `body(threads - 1)` at once, each in a thread. None may assert.
void InParallel(int threads, const std::function<void(int)>& body);

}  // namespace alma::testing
