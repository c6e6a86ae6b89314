#include <atomic>
#include <fstream>
#include <sstream>
#include <string>

#include <grpcpp/create_channel.h>

#include "catch2/catch.hpp"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::Message;

std::string ServiceConfig(const std::string& name) {
  std::ifstream file(ALMA_SOURCE_DIR "/proto/" + name);
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  return text.str();
}

// A client that retries as the service config says.
std::unique_ptr<Stub> Retrying(const std::string& address, const std::string& config) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(ServiceConfig(config));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return gateway::MessagesService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

// Unavailable at the first two attempts; with initial metadata where the client is not to retry.
struct Failing {
  bool initial_metadata = false;
  std::atomic<int> attempts = 0;

  grpc::Status Answer(grpc::ServerContext& context) {
    if (initial_metadata) context.AddInitialMetadata("first", "1");
    return ++attempts < 3 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "not now", "details")
                          : grpc::Status::OK;
  }
};

TEST_CASE("the published retry policies work through a gateway process as without it") {
  const bool with_gateway = GENERATE(false, true);
  const std::string config =
      GENERATE("service_config.json", "service_config_idempotent_creates.json");
  CAPTURE(with_gateway, config);
  Proxied both;
  const auto stub = Retrying(with_gateway ? both.gateway_address() : both.address(), config);
  Failing failing;
  both.messages.get = [&](auto& context, const auto&, auto&) { return failing.Answer(context); };
  const auto context = both.NewContext();
  Message message;
  const grpc::Status status = stub->GetMessage(context.get(), {}, &message);
  INFO(status.error_message());
  CHECK(status.ok());
  CHECK(failing.attempts == 3);
}

TEST_CASE("an answer that is not trailers only is not tried again through a gateway process") {
  const bool with_gateway = GENERATE(false, true);
  CAPTURE(with_gateway);
  Proxied both;
  const auto stub =
      Retrying(with_gateway ? both.gateway_address() : both.address(), "service_config.json");
  Failing failing;
  failing.initial_metadata = true;
  both.messages.get = [&](auto& context, const auto&, auto&) { return failing.Answer(context); };
  const auto context = both.NewContext();
  Message message;
  const grpc::Status status = stub->GetMessage(context.get(), {}, &message);
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  CHECK(status.error_details() == "details");
  CHECK(failing.attempts == 1);
  CHECK(context->GetServerTrailingMetadata().count("grpc-status-details-bin") == 1);
}

}  // namespace
}  // namespace alma::testing
