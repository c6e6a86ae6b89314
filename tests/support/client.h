#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "absl/time/time.h"
#include "tests/support/service_harness.h"

namespace alma::testing {

// A client of a server in another process. Thread-safe.
class Client {
 public:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  // Without a key.
  explicit Client(std::shared_ptr<grpc::Channel> channel) : channel_(std::move(channel)) {}
  // With `key` as its bearer token.
  Client(std::shared_ptr<grpc::Channel> channel, const std::string& key)
      : Client(std::move(channel), Metadata{{"authorization", "Bearer " + key}}) {}
  // With `metadata` on every call.
  Client(std::shared_ptr<grpc::Channel> channel, Metadata metadata)
      : channel_(std::move(channel)), metadata_(std::move(metadata)) {}

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // client.Call(&v1::MessagesService::Stub::GetMessage, request)
  template <typename Stub, typename Request, typename Response>
  Answered<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                       Response*),
                          const Request& request) const {
    grpc::ClientContext context;
    Prepare(context);
    Stub stub(channel_);
    Answered<Response> answered;
    answered.status = (stub.*method)(&context, request, &answered.response);
    return answered;
  }

  // For a stream: the context of one call of a method with this deadline.
  std::unique_ptr<grpc::ClientContext> NewContext(absl::Duration timeout) const;

  // The method of this name ("alma.conversations.v1.MessagesService/GetMessage"), given these
  // bytes.
  Answered<std::string> CallBytes(const std::string& method, const std::string& request) const;

 private:
  void Prepare(grpc::ClientContext& context) const;

  const std::shared_ptr<grpc::Channel> channel_;
  const Metadata metadata_;
};

// Everything that a client is told by a failed call, for comparing one to another.
std::string AllOf(const grpc::Status& status);

}  // namespace alma::testing
