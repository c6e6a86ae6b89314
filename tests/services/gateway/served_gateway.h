#pragma once

#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/auth/scopes.h"
#include "common/limit/limiter.h"
#include "common/metrics/metrics.h"
#include "common/rpc/server.h"
#include "common/rpc/worker_pool.h"
#include "services/gateway/gateway.h"
#include "tests/services/gateway/scripted_backend.h"
#include "tests/support/captured.h"
#include "tests/support/temporary_folder.h"

namespace alma::gateway {

inline const auth::Secrets kSecrets{{std::string(32, 's')}};

inline std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Each client of a test its own connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// A gateway on a unix socket of its own.
class ServedGateway {
 public:
  // `limiter`, where there is one, outlives it.
  explicit ServedGateway(const Addresses& addresses, limit::Limiter* limiter = nullptr) {
    auto created = Gateway::Create(addresses, kSecrets);
    REQUIRE(created.ok());
    gateway_ = *std::move(created);
    server_ = std::make_unique<rpc::Server>(
        rpc::ServerOptions{.name = "alma-gateway", .listen = {address()}});
    runtime_ = std::make_unique<rpc::Runtime>(rpc::Runtime{.workers = workers_,
                                                           .callers = gateway_->callers(),
                                                           .metrics = metrics_,
                                                           .hold = server_->hold(),
                                                           .limiter = limiter});
    gateway_->AddTo(*runtime_, [&](rpc::BytesService& service, std::function<bool()> ready) {
      server_->Add(service, std::move(ready));
    });
    testing::Captured captured(STDOUT_FILENO);
    const absl::Status started = server_->Start();
    INFO(started);
    REQUIRE(started.ok());
  }
  // Calls end before what they use.
  ~ServedGateway() { server_.reset(); }

  std::string address() const { return absl::StrCat("unix:", folder_.path(), "/gateway"); }
  const metrics::Calls& metrics() const { return metrics_; }

 private:
  testing::TemporaryFolder folder_;
  rpc::WorkerPool workers_{/*threads=*/4, /*queue_limit=*/1000};
  metrics::Calls metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<rpc::Runtime> runtime_;
  std::unique_ptr<rpc::Server> server_;
};

// A scripted process that holds keys and messages, and a gateway before it: calls go the one way
// and the other.
class Pair {
 public:
  explicit Pair(limit::Limiter* limiter = nullptr)
      : behind(absl::StrCat("unix:", folder_.path(), "/behind"), {&keys, &messages}),
        gateway({{"organizations", {behind.address()}}, {"conversations", {behind.address()}}},
                limiter),
        direct(MessagesService::NewStub(ChannelTo(behind.address()))),
        proxied(MessagesService::NewStub(ChannelTo(gateway.address()))),
        key(keys.Add(
            {std::string(auth::kConversationsRead), std::string(auth::kConversationsWrite)})) {}

  // The context of a call with the key, which ends after 10 s.
  std::unique_ptr<grpc::ClientContext> NewContext() const {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", "Bearer " + key);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    return context;
  }

  ScriptedKeys keys;
  ScriptedMessages messages;

 private:
  testing::TemporaryFolder folder_;

 public:
  Listening behind;
  ServedGateway gateway;
  const std::unique_ptr<MessagesService::Stub> direct;
  const std::unique_ptr<MessagesService::Stub> proxied;
  const std::string key;
};

// What a client sees of metadata, one entry a line, without what the gateway adds by itself.
inline std::string TextOf(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  std::string text;
  for (const auto& [key, value] : Copy(metadata)) {
    if (key != "x-request-id") absl::StrAppend(&text, key, ": ", value, "\n");
  }
  return text;
}

// The end of a call as its client sees it.
inline std::string EndOf(const grpc::ClientContext& context, const grpc::Status& status) {
  return absl::StrCat("initial metadata\n", TextOf(context.GetServerInitialMetadata()),
                      "trailers\n", TextOf(context.GetServerTrailingMetadata()), "status ",
                      status.error_code(), " ", status.error_message(), " ",
                      status.error_details());
}

}  // namespace alma::gateway
