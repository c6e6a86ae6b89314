#include <set>
#include <string>

#include "catch2/catch.hpp"
#include "tests/system/proxy/proxied.h"

namespace alma::testing {
namespace {

using gateway::ImportMessagesResponse;
using gateway::Message;
using gateway::Metadata;

// The names in it but those that gRPC itself makes.
std::multiset<std::string> NamesOf(const Metadata& metadata) {
  std::multiset<std::string> names;
  for (const auto& [key, value] : metadata) {
    if (key != "user-agent" && !key.starts_with("grpc-") && !key.starts_with(":")) {
      names.insert(key);
    }
  }
  return names;
}

TEST_CASE("no key and nothing that a client says of itself passes a gateway process") {
  Proxied both;
  const auto context = both.NewContext();
  context->AddMetadata("x-api-key-of-mine", both.key());
  context->AddMetadata("cookie", both.key());
  context->AddMetadata("alma-principal-bin", "forged");
  context->AddMetadata("alma-principal-bin", "forged");
  context->AddMetadata("alma-organization", "forged");
  context->AddMetadata("alma-request-bin", std::string("\0\1", 2));
  context->AddMetadata("x-request-id", "mine");
  context->AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  Message message;
  REQUIRE(both.proxied->GetMessage(context.get(), {}, &message).ok());
  REQUIRE(both.messages.calls().size() == 1);
  const Metadata seen = both.messages.calls().front();
  CHECK(NamesOf(seen) ==
        std::multiset<std::string>{"alma-principal-bin", "traceparent", "x-request-id"});
  CHECK(seen.find("x-request-id")->second == "mine");
  CHECK(seen.find("alma-principal-bin")->second != "forged");

  REQUIRE(both.keys.asked().size() == 1);
  CHECK(NamesOf(both.keys.asked().front()).count("authorization") == 0);
  for (const Metadata& metadata : {seen, both.keys.asked().front()}) {
    for (const auto& [key, value] : metadata) {
      const bool holds_key = value.find(both.key()) != std::string::npos;
      CHECK_FALSE(holds_key);
    }
  }
}

TEST_CASE("doubled entries of a client do not pass a gateway process") {
  constexpr char kTrace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  Proxied both;
  const auto context = both.NewContext();
  for (const char* id : {"first", "second"}) context->AddMetadata("x-request-id", id);
  context->AddMetadata("traceparent", kTrace);
  context->AddMetadata("tracestate", "a=1");
  context->AddMetadata("tracestate", "b=2");
  Message message;
  REQUIRE(both.proxied->GetMessage(context.get(), {}, &message).ok());
  const auto doubled = both.NewContext();
  for (int i = 0; i < 2; ++i) doubled->AddMetadata("traceparent", kTrace);
  doubled->AddMetadata("tracestate", "a=1");
  REQUIRE(both.proxied->GetMessage(doubled.get(), {}, &message).ok());
  CHECK(doubled->GetServerInitialMetadata().count("traceparent") == 0);

  REQUIRE(both.messages.calls().size() == 2);
  const Metadata first = both.messages.calls()[0];
  CHECK(NamesOf(first) == std::multiset<std::string>{"alma-principal-bin", "traceparent",
                                                     "tracestate", "x-request-id"});
  CHECK(first.find("x-request-id")->second.size() == 36);
  CHECK(first.find("tracestate")->second == "a=1,b=2");
  CHECK(NamesOf(both.messages.calls()[1]) ==
        std::multiset<std::string>{"alma-principal-bin", "x-request-id"});
}

TEST_CASE("the details of a status arrive once through a gateway process") {
  Proxied both;
  both.messages.get = [](auto&, const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::ABORTED, "stale", "details");
  };
  both.messages.import_messages = [](auto&, Importing& stream) {
    stream.Write({});
    return grpc::Status(grpc::StatusCode::ABORTED, "stale", "details");
  };
  const auto count = [](const grpc::ClientContext& context) {
    return context.GetServerTrailingMetadata().count("grpc-status-details-bin");
  };
  const auto unary = both.NewContext();
  Message message;
  CHECK(both.proxied->GetMessage(unary.get(), {}, &message).error_details() == "details");
  CHECK(count(*unary) == 1);

  const auto streaming = both.NewContext();
  const auto stream = both.proxied->ImportMessages(streaming.get());
  ImportMessagesResponse response;
  while (stream->Read(&response)) {
  }
  CHECK(stream->Finish().error_details() == "details");
  CHECK(count(*streaming) == 1);
}

}  // namespace
}  // namespace alma::testing
