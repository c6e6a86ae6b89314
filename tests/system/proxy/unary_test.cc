#include <functional>
#include <string>
#include <vector>

#include "catch2/catch.hpp"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::GetMessageRequest;
using gateway::Message;

constexpr size_t kLimit = 4 * 1024 * 1024;
const std::string kBinary("\0\1\xff", 3);

// Sets `field` so that `message` takes `size` bytes on the wire.
template <typename T>
void FillTo(T& message, std::string& field, size_t size) {
  field.assign(size, 'x');
  field.resize(size - (message.ByteSizeLong() - size));
}

struct Scenario {
  const char* name;
  decltype(ScriptedMessages::get) answer;
  std::function<void(GetMessageRequest&)> fill = [](auto& request) { request.set_uuid("u"); };
};

grpc::Status Echo(grpc::ServerContext&, const GetMessageRequest& request, Message& message) {
  message.set_uuid(request.uuid());
  return grpc::Status::OK;
}

decltype(ScriptedMessages::get) OfSize(size_t size) {
  return [size](auto&, const auto&, Message& message) {
    FillTo(message, *message.mutable_content(), size);
    return grpc::Status::OK;
  };
}

std::function<void(GetMessageRequest&)> FilledTo(size_t size) {
  return [size](GetMessageRequest& request) { FillTo(request, *request.mutable_uuid(), size); };
}

decltype(ScriptedMessages::get) Failing(const grpc::Status& status) {
  return [status](auto&, const auto&, auto&) { return status; };
}

grpc::Status AnswerWithMetadata(grpc::ServerContext& context, const GetMessageRequest&, Message&) {
  context.AddInitialMetadata("first", "1");
  context.AddInitialMetadata("first", "2");
  context.AddInitialMetadata("first-bin", kBinary);
  context.AddTrailingMetadata("last", "3");
  context.AddTrailingMetadata("last", "4");
  context.AddTrailingMetadata("last-bin", kBinary);
  return grpc::Status::OK;
}

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> scenarios = {
      {"a message", Echo},
      {"an empty message", Echo, [](auto&) {}},
      {"a question of 4 MiB", Echo, FilledTo(kLimit)},
      {"a question of 4 MiB and 1 byte", Echo, FilledTo(kLimit + 1)},
      {"an answer of 4 MiB", OfSize(kLimit)},
      {"an answer of 4 MiB and 1 byte", OfSize(kLimit + 1)},
      {"metadata and trailers", AnswerWithMetadata},
      {"an error with details and trailers",
       [](grpc::ServerContext& context, const auto&, auto&) {
         context.AddTrailingMetadata("last", "3");
         context.AddTrailingMetadata("last-bin", kBinary);
         return grpc::Status(grpc::StatusCode::ABORTED, "sta\xc3\xa4le, 100%\n", kBinary);
       }},
      {"an error behind initial metadata",
       [](grpc::ServerContext& context, const auto&, auto&) {
         context.AddInitialMetadata("first", "1");
         return grpc::Status(grpc::StatusCode::NOT_FOUND, "none", "details");
       }},
      {"an error of trailers only", Failing({grpc::StatusCode::INTERNAL, "not now", "details"})},
      {"an error without a text", Failing({grpc::StatusCode::DATA_LOSS, ""})},
      {"details of 4 KiB",
       Failing({grpc::StatusCode::INVALID_ARGUMENT, "no", std::string(4096, 'd')})},
      {"a backend that cancels",
       [](grpc::ServerContext& context, const auto&, auto&) {
         context.TryCancel();
         return grpc::Status::OK;
       }},
  };
  return scenarios;
}

std::string Get(const Proxied& both, Stub& stub, const Scenario& scenario) {
  Transcript transcript;
  const auto context = both.NewContext();
  GetMessageRequest request;
  scenario.fill(request);
  Message message;
  const grpc::Status status = stub.GetMessage(context.get(), request, &message);
  if (status.ok()) transcript.Note("message", message.SerializeAsString());
  transcript.End(*context, status);
  return transcript.text();
}

TEST_CASE("a unary call reads the same with a gateway process and without it") {
  Proxied both;
  for (const Scenario& scenario : Scenarios()) {
    INFO(scenario.name);
    both.messages.get = scenario.answer;
    const std::string direct = Get(both, *both.direct, scenario);
    CHECK(Get(both, *both.proxied, scenario) == direct);
  }
  CHECK(both.gateway().process().Running());
}

}  // namespace
}  // namespace alma::testing
