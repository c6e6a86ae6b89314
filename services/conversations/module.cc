#include "services/conversations/module.h"

#include "absl/flags/flag.h"
#include "services/conversations/schema.h"

ABSL_FLAG(std::string, conversations_database, "", "Another place for this database alone.");

namespace alma::conversations {

serve::Schemas Schemas() { return {&Schema()}; }

Module::Module(serve::Host& host)
    : conversation_store_(host.databases[Schema()]),
      message_store_(host.databases[Schema()]),
      conversations_(host.runtime, conversation_store_, host.page_tokens),
      messages_(host.runtime, message_store_, host.page_tokens) {
  host.Add(conversations_, host.databases[Schema()]);
  host.Add(messages_, host.databases[Schema()]);
}

}  // namespace alma::conversations
