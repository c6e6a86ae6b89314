#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "alma/agents/v1/agents.grpc.pb.h"
#include "alma/analytics/v1/events.grpc.pb.h"
#include "alma/organizations/v1/organizations.grpc.pb.h"
#include "tests/support/alma_server.h"
#include "tests/system/conversations.h"
#include "tests/system/metrics.h"

namespace alma::testing {
namespace {

constexpr std::array kServices = {"organizations", "conversations", "agents", "analytics"};
constexpr char kCreateMessage[] = "/alma.conversations.v1.MessagesService/CreateMessage";
constexpr char kGetMessage[] = "/alma.conversations.v1.MessagesService/GetMessage";
constexpr int kWriters = 12;
constexpr int kReaders = 4;
// Within which a process that is back has its share of the calls.
constexpr absl::Duration kReturn = absl::Seconds(15);
// After which a gateway calls no process that says nothing, on a machine that does much else.
constexpr absl::Duration kLeftOut = absl::Milliseconds(1500);
constexpr absl::Duration kEnd = absl::Seconds(30);

// Two processes of each service, and a gateway before them all.
class Doubled {
 public:
  explicit Doubled(const AlmaStorage& storage) : storage_(storage) {
    std::vector<std::string> flags = {Secrets()};
    for (const std::string service : kServices) {
      for (int i = 0; i < 2; ++i) Start(service, i);
      flags.push_back(
          absl::StrCat("--", service, "=", Socket(service, 0), ",", Socket(service, 1)));
    }
    gateway_ = std::make_unique<AlmaServer>(ServerCommand("alma-gateway", flags));
  }

  // The n-th process of `service`, anew.
  void Start(const std::string& service, int n) {
    const std::string metrics = FreeAddress();
    processes_[{service, n}] = std::make_unique<AlmaServer>(ServerCommand(
        "alma-" + service, {Secrets(), storage_.location_flag(), "--listen=" + Socket(service, n),
                            "--metrics_listen=" + metrics}));
    metrics_[{service, n}] = metrics;
  }
  void Kill(const std::string& service, int n) { processes_[{service, n}]->Stop(SIGKILL); }
  // Asks it to end; its exit code.
  int End(const std::string& service, int n) {
    return processes_[{service, n}]->Stop(SIGTERM).exit_code;
  }
  // The same of the gateway, to which clients still hold a channel.
  int EndGateway() {
    gateway_->process().Signal(SIGTERM);
    return gateway_->process().Wait(kEnd).exit_code;
  }
  void Signal(const std::string& service, int n, int signal) {
    processes_[{service, n}]->process().Signal(signal);
  }

  // The calls of `method` that the n-th process of conversations has answered.
  int64_t Answered(int n, const std::string& method) {
    return AnsweredCalls(Metrics(metrics_[{"conversations", n}]), method);
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return gateway_->channel(); }

 private:
  std::string Secrets() const { return "--principal_secret_file=" + storage_.secret_file(); }
  std::string Socket(const std::string& service, int n) const {
    return absl::StrCat("unix:", storage_.folder(), "/", service, n);
  }

  const AlmaStorage& storage_;
  std::map<std::pair<std::string, int>, std::unique_ptr<AlmaServer>> processes_;
  std::map<std::pair<std::string, int>, std::string> metrics_;
  std::unique_ptr<AlmaServer> gateway_;
};

// Callers that go on until the end of this object, each with one call at a time.
class Load {
 public:
  struct Failure {
    int caller;
    absl::Time begun;
    std::string what;
    grpc::StatusCode code;
  };
  using Call = std::function<grpc::Status(int caller)>;

  Load(int callers, Call call) : call_(std::move(call)) {
    for (int caller = 0; caller < callers; ++caller) {
      threads_.emplace_back([this, caller] { Run(caller); });
    }
  }
  ~Load() { Stop(); }

  // What has failed.
  std::vector<Failure> Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    absl::MutexLock lock(&mutex_);
    return failures_;
  }

 private:
  void Run(int caller) ABSL_LOCKS_EXCLUDED(mutex_) {
    while (!stopping_) {
      const absl::Time begun = absl::Now();
      const grpc::Status status = call_(caller);
      if (status.ok()) continue;
      absl::MutexLock lock(&mutex_);
      failures_.push_back({caller, begun, AllOf(status), status.error_code()});
    }
  }

  const Call call_;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;
  absl::Mutex mutex_;
  std::vector<Failure> failures_ ABSL_GUARDED_BY(mutex_);
};

grpc::Status Get(const Client& client, const std::string& message, absl::Duration timeout) {
  conversations::v1::GetMessageRequest request;
  request.set_uuid(message);
  conversations::v1::Message response;
  const auto context = client.NewContext(timeout);
  return conversations::v1::MessagesService::NewStub(client.channel())
      ->GetMessage(context.get(), request, &response);
}

// A call to each of the other services in turn.
grpc::Status CallOthers(const Client& client, const std::string& organization) {
  organizations::v1::GetOrganizationRequest get;
  get.set_uuid(organization);
  auto status =
      client.Call(&organizations::v1::OrganizationsService::Stub::GetOrganization, get).status;
  if (!status.ok()) return status;
  status =
      client.Call(&agents::v1::AgentsService::Stub::ListAgents, agents::v1::ListAgentsRequest())
          .status;
  if (!status.ok()) return status;
  return client
      .Call(&analytics::v1::EventsService::Stub::ListEvents, analytics::v1::ListEventsRequest())
      .status;
}

// Of the calls that are answered in the next second, the share of the first process.
double ShareOfFirst(Doubled& doubled, const std::string& method) {
  const int64_t first = doubled.Answered(0, method);
  const int64_t second = doubled.Answered(1, method);
  absl::SleepFor(absl::Seconds(1));
  const auto by_first = static_cast<double>(doubled.Answered(0, method) - first);
  const auto by_second = static_cast<double>(doubled.Answered(1, method) - second);
  return by_first / std::max(by_first + by_second, 1.0);
}

// Whether the first process gets its share within `timeout`.
bool TakesPart(Doubled& doubled, const std::string& method, absl::Duration timeout) {
  const absl::Time give_up = absl::Now() + timeout;
  do {
    if (ShareOfFirst(doubled, method) > 0.3) return true;
  } while (absl::Now() < give_up);
  return false;
}

// Only what was on its way when the process died, at most one call of each caller.
void CheckInFlight(const std::vector<Load::Failure>& failures, absl::Time killed) {
  std::map<int, int> of_caller;
  for (const Load::Failure& failure : failures) {
    INFO(failure.what);
    CHECK(failure.code == grpc::StatusCode::UNAVAILABLE);
    CHECK(failure.begun < killed + absl::Seconds(1));
    CHECK(++of_caller[failure.caller] == 1);
  }
}

TEST_CASE("of two processes of each service one that is killed fails its calls and comes back") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const Bootstrapped first = Bootstrap(storage);
  Doubled doubled(storage);
  const Client client(doubled.channel(), first.secret);
  const auto conversations = CreateConversations(client, kWriters);

  Load others(kReaders, [&](int) { return CallOthers(client, first.organization_uuid); });
  Load writers(kWriters, [&](int caller) {
    return Create(client, NewMessage(conversations[caller])).status;
  });
  CHECK(TakesPart(doubled, kCreateMessage, kReturn));
  doubled.Kill("conversations", 0);
  const absl::Time killed = absl::Now();
  const int64_t survivor = doubled.Answered(1, kCreateMessage);
  absl::SleepFor(absl::Seconds(1));
  CHECK(doubled.Answered(1, kCreateMessage) > survivor);
  doubled.Start("conversations", 0);
  CHECK(TakesPart(doubled, kCreateMessage, kReturn));

  const auto failed = writers.Stop();
  CheckInFlight(failed, killed);
  CHECK(others.Stop().empty());
  WARN("failed " << failed.size() << " calls");
}

TEST_CASE("of two processes one that hangs is left out in a moment and comes back") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const Bootstrapped first = Bootstrap(storage);
  Doubled doubled(storage);
  const Client client(doubled.channel(), first.secret);
  const auto conversations = CreateConversations(client, 1);
  const std::string message = Create(client, NewMessage(conversations[0])).response.uuid();
  // A write that hangs would hold up those of the other process in the database.
  Load readers(kWriters, [&](int) { return Get(client, message, absl::Seconds(1)); });
  CHECK(TakesPart(doubled, kGetMessage, kReturn));
  doubled.Signal("conversations", 0, SIGSTOP);
  const absl::Time stopped = absl::Now();
  absl::SleepFor(absl::Seconds(4));
  const int64_t before = doubled.Answered(1, kGetMessage);
  absl::SleepFor(absl::Seconds(1));
  CHECK(doubled.Answered(1, kGetMessage) > before);
  doubled.Signal("conversations", 0, SIGCONT);
  CHECK(TakesPart(doubled, kGetMessage, kReturn));
  const auto failed = readers.Stop();
  WARN("failed " << failed.size() << " calls");
  CHECK_FALSE(failed.empty());
  for (const Load::Failure& failure : failed) {
    INFO(failure.what);
    CHECK(failure.code == grpc::StatusCode::DEADLINE_EXCEEDED);
    CHECK(failure.begun < stopped + kLeftOut);
  }
}

TEST_CASE("of two processes one that is asked to end fails no call and comes back", "[long]") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const Bootstrapped first = Bootstrap(storage);
  Doubled doubled(storage);
  const Client client(doubled.channel(), first.secret);
  const auto conversations = CreateConversations(client, kWriters);
  Load writers(kWriters, [&](int caller) {
    return Create(client, NewMessage(conversations[caller])).status;
  });
  Load others(kReaders, [&](int) { return CallOthers(client, first.organization_uuid); });
  CHECK(TakesPart(doubled, kCreateMessage, kReturn));
  for (int round = 0; round < 3; ++round) {
    for (const char* service : {"conversations", "organizations", "agents"}) {
      CHECK(doubled.End(service, 0) == 0);
      doubled.Start(service, 0);
    }
    CHECK(TakesPart(doubled, kCreateMessage, kReturn));
  }
  const auto failed_writes = writers.Stop();
  const auto failed_others = others.Stop();
  for (const auto& failures : {failed_writes, failed_others}) {
    for (const Load::Failure& failure : failures) {
      INFO(failure.what);
      CHECK(failure.code == grpc::StatusCode::OK);
    }
  }
}

TEST_CASE("a gateway that is asked to end loses no call") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const Bootstrapped first = Bootstrap(storage);
  Doubled doubled(storage);
  const Client client(doubled.channel(), first.secret);
  const auto conversations = CreateConversations(client, 1);
  const std::string message = Create(client, NewMessage(conversations[0])).response.uuid();
  Load readers(kWriters, [&](int) { return Get(client, message, absl::Seconds(10)); });
  absl::SleepFor(absl::Seconds(1));
  CHECK(doubled.EndGateway() == 0);
  const auto failed = readers.Stop();
  CHECK_FALSE(failed.empty());
  // Nobody listens any more.
  std::map<grpc::StatusCode, size_t> codes;
  for (const Load::Failure& failure : failed) ++codes[failure.code];
  CHECK(codes[grpc::StatusCode::UNAVAILABLE] == failed.size());
}

}  // namespace
}  // namespace alma::testing
