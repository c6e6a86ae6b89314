#include <csignal>
#include <map>
#include <random>

#include <google/protobuf/util/message_differencer.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/support/deployed.h"
#include "tests/system/conversations.h"

namespace alma::testing {
namespace {

using conversations::v1::CreateMessageRequest;
using conversations::v1::Message;
using google::protobuf::util::MessageDifferencer;

constexpr int kRounds = 50;
constexpr int kCallers = 32;
constexpr int kConversations = 20;

// What callers have sent, and what they have been answered. Thread-safe.
class Ledger {
 public:
  explicit Ledger(std::vector<std::string> conversations)
      : conversations_(std::move(conversations)) {}

  // Mostly a new message, else one that has been sent before, answered or not.
  CreateMessageRequest Next() {
    absl::MutexLock lock(&mutex_);
    const uint32_t choice = random_();
    if (choice % 4 == 0 && !unanswered_.empty()) {
      CreateMessageRequest request = unanswered_.begin()->second;
      unanswered_.erase(unanswered_.begin());
      return request;
    }
    if (choice % 10 == 1 && !answered_.empty()) return sent_[random_() % sent_.size()];
    sent_.push_back(NewMessage(conversations_[random_() % conversations_.size()]));
    return sent_.back();
  }

  // Takes the answer to `request`; false when there was none.
  bool Enter(const CreateMessageRequest& request, const Answered<Message>& answered) {
    absl::MutexLock lock(&mutex_);
    const std::string& uuid = request.message().uuid();
    const auto before = answered_.find(uuid);
    if (!answered.status.ok()) {
      if (before == answered_.end()) unanswered_[uuid] = request;
      if (answered.status.error_code() != grpc::StatusCode::UNAVAILABLE) ++refused_;
      return false;
    }
    unanswered_.erase(uuid);
    if (before == answered_.end()) {
      answered_[uuid] = answered.response;
    } else if (!MessageDifferencer::Equals(before->second, answered.response)) {
      ++contradictions_;
    }
    return true;
  }

  std::vector<CreateMessageRequest> Unanswered() {
    absl::MutexLock lock(&mutex_);
    std::vector<CreateMessageRequest> requests;
    for (const auto& [uuid, request] : unanswered_) requests.push_back(request);
    return requests;
  }

  std::vector<Message> Answers() {
    absl::MutexLock lock(&mutex_);
    std::vector<Message> messages;
    for (const auto& [uuid, message] : answered_) messages.push_back(message);
    return messages;
  }

  // Answers that differ from an earlier one, and errors that a killed server does not explain.
  int contradictions() const { return contradictions_; }
  int refused() const { return refused_; }

 private:
  const std::vector<std::string> conversations_;
  absl::Mutex mutex_;
  std::minstd_rand random_{std::random_device{}()};
  std::vector<CreateMessageRequest> sent_;
  std::map<std::string, CreateMessageRequest> unanswered_;
  std::map<std::string, Message> answered_;
  int contradictions_ = 0;
  int refused_ = 0;
};

TEST_CASE("whatever was acknowledged survives 50 kills under load without a gap", "[long]") {
  const Deployment deployment = GENERATE(from_range(kDeployments));
  CAPTURE(deployment);
  const AlmaStorage storage(EngineOf(deployment));
  const std::string key = Bootstrap(storage).secret;
  std::vector<std::string> conversations;
  {
    Deployed server(storage, deployment);
    conversations = CreateConversations(Client(server.channel(), key), kConversations);
  }
  Ledger ledger(conversations);
  std::minstd_rand random(std::random_device{}());

  for (int round = 0; round < kRounds; ++round) {
    Deployed server(storage, deployment);
    const Client client(server.channel(), key);
    const auto load = absl::Milliseconds(100 + random() % 200);
    InParallel(kCallers + 1, [&](int caller) {
      if (caller == 0) {
        absl::SleepFor(load);
        return server.conversations().Signal(SIGKILL);
      }
      for (bool answered = true; answered;) {
        const CreateMessageRequest request = ledger.Next();
        answered = ledger.Enter(request, Create(client, request));
      }
    });
  }

  Deployed server(storage, deployment);
  const Client client(server.channel(), key);
  for (const CreateMessageRequest& request : ledger.Unanswered()) {
    CHECK(ledger.Enter(request, Create(client, request)));
  }
  CHECK(ledger.refused() == 0);
  CHECK(ledger.contradictions() == 0);
  // Fewer would mean that the kills met no load.
  CHECK(ledger.Answers().size() > kRounds * kCallers / 2);
  CheckStored(client, conversations, ledger.Answers());
}

}  // namespace
}  // namespace alma::testing
