#include <sched.h>

#include <cstdio>

#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alma/conversations/v1/conversations.grpc.pb.h"
#include "alma/conversations/v1/messages.grpc.pb.h"
#include "catch2/catch.hpp"
#include "common/id/uuid.h"
#include "tests/bench/open_loop.h"
#include "tests/support/alma_server.h"
#include "tests/support/client.h"

// What is left of the throughput while five times as many calls come as can be answered, and how
// soon it is as before. The server has one core, the generator another one.
namespace alma::bench {
namespace {

namespace v1 = conversations::v1;

constexpr int kConnections = 8;
constexpr int kInFlight = 64;
constexpr int kOverload = 5;
constexpr absl::Duration kDeadline = absl::Seconds(1);

void PinTo(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  REQUIRE(sched_setaffinity(0, sizeof(cores), &cores) == 0);
}

std::vector<std::shared_ptr<grpc::Channel>> Connect(const std::string& address) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < kConnections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  }
  return channels;
}

void Print(const std::string& phase, const Ended& ended, absl::Duration length, double peak) {
  const double seconds = absl::ToDoubleSeconds(length);
  std::printf(
      "  %-22s offered %7.0f/s  good %6.0f/s (%.2f of peak)  refused %7.0f/s  late %6.0f/s  "
      "failed %4.0f/s  p50 %.1f ms  p99 %.1f ms\n",
      phase.c_str(), static_cast<double>(ended.offered) / seconds,
      static_cast<double>(ended.good) / seconds, static_cast<double>(ended.good) / seconds / peak,
      static_cast<double>(ended.refused) / seconds, static_cast<double>(ended.late) / seconds,
      static_cast<double>(ended.failed) / seconds, absl::ToDoubleMilliseconds(ended.median),
      absl::ToDoubleMilliseconds(ended.p99));
  std::fflush(stdout);
}

void Measure(const std::string& name, Generator& generator) {
  std::printf("%s\n", name.c_str());
  generator.ClosedLoop(kInFlight, absl::Seconds(2));
  const absl::Duration length = absl::Seconds(5);
  const Ended closed = generator.ClosedLoop(kInFlight, length);
  const double peak = static_cast<double>(closed.good) / absl::ToDoubleSeconds(length);
  Print("peak, 64 in flight", closed, length, peak);
  const absl::Duration second = absl::Seconds(1);
  Print("overload", generator.OpenLoop(kOverload * peak, 10 * second), 10 * second, peak);
  for (int i = 1; i <= 5; ++i) {
    Print(absl::StrCat("half of peak, second ", i), generator.OpenLoop(peak / 2, second), second,
          peak);
  }
}

TEST_CASE("five times the load that one core answers") {
  PinTo(1);
  const testing::AlmaStorage storage(db::Engine::kSqlite);
  const std::string key = testing::Bootstrap(storage).secret;
  std::vector<std::string> command = {"taskset", "-c", "0"};
  for (const std::string& word : testing::ServeCommand(
           storage, {"--organization_concurrency=0", "--key_rate=0", "--metrics_listen="})) {
    command.push_back(word);
  }
  const testing::AlmaServer server(command);
  const testing::Client client(server.channel(), key);
  v1::CreateConversationRequest conversation;
  conversation.mutable_conversation()->add_external_participants("+5511999990000");
  conversation.mutable_conversation()->set_origin("bench");
  const auto created =
      client.Call(&v1::ConversationsService::Stub::CreateConversation, conversation);
  REQUIRE(created.status.ok());
  const auto channels = Connect(server.address());

  Generator create(
      channels, key, "/alma.conversations.v1.MessagesService/CreateMessage",
      [&] {
        v1::CreateMessageRequest request;
        v1::Message& message = *request.mutable_message();
        message.set_uuid(id::NewUuid());
        message.set_sender_uuid("01920000-0000-7000-8000-000000000002");
        message.set_conversation_uuid(created.response.uuid());
        message.set_content("Olá, ainda há vagas para março?");
        message.set_type("TEXT");
        message.set_channel("WHATSAPP");
        message.set_origin("bench");
        return request.SerializeAsString();
      },
      kDeadline);
  Measure("CreateMessage", create);
  for (const int page_size : {50, 500}) {
    Generator list(
        channels, key, "/alma.conversations.v1.MessagesService/ListMessages",
        [&] {
          v1::ListMessagesRequest request;
          request.set_conversation_uuid(created.response.uuid());
          request.set_page_size(page_size);
          return request.SerializeAsString();
        },
        kDeadline);
    Measure(absl::StrCat("ListMessages of ", page_size), list);
  }
}

}  // namespace
}  // namespace alma::bench
