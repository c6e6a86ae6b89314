#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "absl/time/time.h"
#include "tests/services/gateway/scripted_backend.h"
#include "tests/support/alma_server.h"

// Calls that are made twice, to a backend that does what a test says and to an alma-gateway before
// it, and what a client sees of both.
namespace alma::testing {

using gateway::ScriptedMessages;
using Stub = gateway::MessagesService::Stub;
using Importing = ScriptedMessages::Importing;
using Exporting = ScriptedMessages::Exporting;

// A backend in this process, which knows keys and messages, and a gateway process before it; both
// on unix sockets.
class Proxied {
 public:
  explicit Proxied(const std::vector<std::string>& gateway_flags = {});

  // The context of a call with the key.
  std::unique_ptr<grpc::ClientContext> NewContext(absl::Duration timeout = absl::Seconds(30)) const;

  // "unix:/path".
  const std::string& address() const { return behind_->address(); }
  const std::string& gateway_address() const { return gateway_->address(); }
  AlmaServer& gateway() { return *gateway_; }
  const std::string& key() const { return key_; }

  gateway::ScriptedKeys keys;
  ScriptedMessages messages;

 private:
  const TemporaryFolder folder_;
  const std::string key_;
  std::unique_ptr<gateway::Listening> behind_;
  std::unique_ptr<AlmaServer> gateway_;

 public:
  std::unique_ptr<Stub> direct;
  std::unique_ptr<Stub> proxied;
};

// What a client sees of a call, a line for each thing, in its order. Long bytes are written as
// their size and a hash.
class Transcript {
 public:
  void Note(std::string_view what) { Note(what, ""); }
  void Note(std::string_view what, std::string_view bytes);
  // Initial metadata without what a gateway adds by itself, trailers, and the status. Once the call
  // has ended.
  void End(const grpc::ClientContext& context, const grpc::Status& status);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace alma::testing
