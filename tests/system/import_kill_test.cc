#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;

constexpr int kMessages = 200'000;
constexpr int kConversations = 20;
constexpr int kKills = 5;
constexpr int64_t kMostMemoryKiB = 150 * 1024;
constexpr int64_t kFirstSecond = 1'600'000'000;

// The n-th message of the source: in turn to the conversations, each a second after the one before.
v1::ImportMessagesRequest Item(const std::vector<std::string>& conversations, int n) {
  v1::ImportMessagesRequest item;
  v1::Message& message = *item.mutable_message();
  message = NewMessage(conversations[n % conversations.size()]).message();
  message.clear_uuid();
  message.set_external_id(absl::StrCat("m-", n));
  std::string content = absl::StrCat("words ", n, " ");
  content.resize(50, '.');
  message.set_content(content);
  message.mutable_created_at()->set_seconds(kFirstSecond + n);
  return item;
}

// The peak of the process' resident memory, in KiB.
int64_t PeakMemory(const Process& process) {
  std::ifstream status(absl::StrCat("/proc/", process.pid(), "/status"));
  std::string word;
  int64_t peak = -1;
  while (status >> word) {
    if (word == "VmHWM:") status >> peak;
  }
  return peak;
}

// Sends the items from `first` on until all are answered or the stream breaks. The position of the
// source up to which all is committed; -2 where an item was refused.
int ImportFrom(const Client& client, const std::vector<std::string>& conversations, int first) {
  const auto context = client.NewContext(absl::Minutes(10));
  v1::MessagesService::Stub stub(client.channel());
  const auto stream = stub.ImportMessages(context.get());
  std::thread writer([&] {
    for (int n = first; n < kMessages; ++n) {
      if (!stream->Write(Item(conversations, n))) return;
    }
    stream->WritesDone();
  });
  int committed = first - 1;
  bool refused = false;
  v1::ImportMessagesResponse response;
  while (stream->Read(&response)) {
    refused = refused || response.has_error();
    committed = std::max(committed, first + static_cast<int>(response.committed_position()));
  }
  writer.join();
  stream->Finish();
  return refused ? -2 : committed;
}

// Whether each conversation has its share of the messages, once, in the order of the source.
void CheckImported(const Client& client, const std::vector<std::string>& conversations) {
  std::vector<int64_t> revisions;
  int wrong = 0;
  for (int c = 0; c < kConversations; ++c) {
    const std::vector<v1::Message> messages = ListAll(client, conversations[c]);
    CHECK(messages.size() == kMessages / kConversations);
    for (size_t i = 0; i < messages.size(); ++i) {
      const int n = static_cast<int>(i) * kConversations + c;
      revisions.push_back(messages[i].revision());
      if (messages[i].index() != static_cast<int64_t>(i) ||
          messages[i].external_id() != absl::StrCat("m-", n) ||
          messages[i].created_at().seconds() != kFirstSecond + n) {
        ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
  std::sort(revisions.begin(), revisions.end());
  const bool without_gap =
      std::adjacent_find(revisions.begin(), revisions.end(),
                         [](int64_t a, int64_t b) { return b != a + 1; }) == revisions.end();
  CHECK(without_gap);
}

TEST_CASE("an import that is killed five times and resumed has each message once and in order",
          "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  std::vector<std::string> conversations;
  {
    Deployed server(storage, deployment);
    conversations = CreateConversations(Client(server.channel(), key), kConversations);
  }
  std::minstd_rand random(std::random_device{}());
  int committed = -1;
  for (int round = 0; round <= kKills; ++round) {
    Deployed server(storage, deployment);
    const Client client(server.channel(), key);
    const absl::Time begun = absl::Now();
    int64_t peak = 0;
    std::thread killer;
    if (round < kKills) {
      killer = std::thread([&, after = absl::Milliseconds(300 + random() % 1500)] {
        absl::SleepFor(after);
        peak = PeakMemory(server.conversations());
        server.conversations().Signal(SIGKILL);
      });
    }
    const int before = committed;
    committed = ImportFrom(client, conversations, committed + 1);
    if (killer.joinable()) {
      killer.join();
    } else {
      peak = PeakMemory(server.conversations());
    }
    INFO("round " << round << " imported " << committed - before << " in " << absl::Now() - begun
                  << ", peak " << peak << " KiB");
    REQUIRE(committed >= before);
    CHECK(peak > 0);
    CHECK(peak < kMostMemoryKiB);
    // Else the kills met no import.
    CHECK((committed == kMessages - 1) == (round == kKills));
    if (round == kKills) CheckImported(client, conversations);
  }
}

}  // namespace
}  // namespace alma::testing
