#pragma once

#include "common/serve/host.h"
#include "services/conversations/conversation_store.h"
#include "services/conversations/message_store.h"
#include "services/conversations/service.h"

namespace alma::conversations {

// The databases that a Module needs.
serve::Schemas Schemas();

// The gRPC services of this folder and what they stand on, added to the process of `host`.
class Module {
 public:
  explicit Module(serve::Host& host);

 private:
  ConversationStore conversation_store_;
  MessageStore message_store_;
  ConversationsService conversations_;
  MessagesService messages_;
};

}  // namespace alma::conversations
