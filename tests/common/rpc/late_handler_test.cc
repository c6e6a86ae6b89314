#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"
#include "common/rpc/answer.h"
#include "common/rpc/service.h"
#include "common/status/status.h"
#include "tests/common/rpc/busy_worker.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/eventually.h"

// What Answer does for handlers that finish later than they return.
namespace alma::rpc {
namespace {

using agents::v1::Agent;
using agents::v1::AgentsService;
using agents::v1::GetAgentRequest;
using testing::Echo;
using testing::Eventually;
using testing::InProcessServer;
using testing::ReasonOf;
using testing::TestRuntime;

using Handler = std::function<absl::Status(const Call&, GetAgentRequest&, Completion<Agent>)>;

class LateService final : public Service {
 public:
  LateService(Runtime& runtime, Handler handler)
      : Service(testing::AgentsDescriptor(), runtime), handler_(std::move(handler)) {
    HandleLate("GetAgent", &LateService::GetAgent);
  }

 private:
  absl::Status GetAgent(const Call& call, GetAgentRequest& request, Completion<Agent> completion) {
    return handler_(call, request, std::move(completion));
  }

  const Handler handler_;
};

// Callers who are known without waiting, where `at_once` says so.
class KnownCallers final : public Callers {
 public:
  explicit KnownCallers(bool at_once) : at_once_(at_once) {}
  absl::StatusOr<auth::SharedPrincipal> Resolve(const Metadata&, absl::Time) override {
    if (ended_) return status::ApiKeyInvalid();
    return std::make_shared<const auth::v1::Principal>(testing::Reader());
  }
  std::optional<absl::StatusOr<auth::SharedPrincipal>> TryResolve(const Metadata&) override {
    if (!at_once_ || ended_) return std::nullopt;
    return std::make_shared<const auth::v1::Principal>(testing::Reader());
  }
  bool MayBeInternal() const override { return false; }

  // From now on their key has ended, which has to be asked for.
  void End() { ended_ = true; }

 private:
  const bool at_once_;
  std::atomic<bool> ended_ = false;
};

// A served LateService with one worker.
class Served {
 public:
  explicit Served(Handler handler, bool at_once = true)
      : callers_(at_once),
        runtime_{workers_, callers_, (*shared_).metrics, (*shared_).hold},
        service_(runtime_, std::move(handler)),
        server_({&service_}),
        stub_(AgentsService::NewStub(server_.channel())) {}

  grpc::Status Get(grpc::ClientContext& context, const std::string& uuid = "asked for",
                   Agent* agent = nullptr) {
    GetAgentRequest request;
    request.set_uuid(uuid);
    Agent unused;
    return stub_->GetAgent(&context, request, agent == nullptr ? &unused : agent);
  }
  grpc::Status Get(const std::string& uuid = "asked for", Agent* agent = nullptr) {
    grpc::ClientContext context;
    return Get(context, uuid, agent);
  }

  // Sends `bytes` as the request, and waits for its answer for a second.
  grpc::Status SendBytes(const std::string& bytes) {
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer in(&slice, 1);
    grpc::ByteBuffer out;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
    absl::Notification ended;
    grpc::Status status;
    grpc::GenericStub(server_.channel())
        .UnaryCall(&context, testing::kGetAgent, {}, &in, &out, [&](grpc::Status answered) {
          status = std::move(answered);
          ended.Notify();
        });
    ended.WaitForNotification();
    return status;
  }

  AgentsService::Stub& stub() { return *stub_; }
  WorkerPool& workers() { return workers_; }
  KnownCallers& callers() { return callers_; }

 private:
  TestRuntime shared_;
  WorkerPool workers_{1, 100};
  KnownCallers callers_;
  Runtime runtime_;
  LateService service_;
  InProcessServer server_;
  const std::unique_ptr<AgentsService::Stub> stub_;
};

// Takes completions and finishes them when it is told to.
class Kept {
 public:
  Handler Taking() {
    return [this](const Call& call, GetAgentRequest& request, Completion<Agent> completion) {
      absl::MutexLock lock(&mutex_);
      kept_.emplace_back(*Echo(call, request), std::move(completion));
      return absl::OkStatus();
    };
  }

  std::vector<std::pair<Agent, Completion<Agent>>> Wait(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto all = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return kept_.size() >= count; };
    mutex_.Await(absl::Condition(&all));
    return std::exchange(kept_, {});
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::pair<Agent, Completion<Agent>>> kept_ ABSL_GUARDED_BY(mutex_);
};

TEST_CASE("a late handler is answered from another thread and holds no worker meanwhile") {
  const bool at_once = GENERATE(true, false);
  CAPTURE(at_once);
  constexpr int kCalls = 50;
  Kept kept;
  Served served(kept.Taking(), at_once);
  std::vector<grpc::Status> statuses(kCalls);
  std::vector<Agent> agents(kCalls);
  std::vector<grpc::ClientContext> contexts(kCalls);
  std::vector<GetAgentRequest> requests(kCalls);
  absl::BlockingCounter unanswered(kCalls);
  for (int i = 0; i < kCalls; ++i) {
    requests[i].set_uuid(std::to_string(i));
    served.stub().async()->GetAgent(&contexts[i], &requests[i], &agents[i],
                                    [&, i](grpc::Status status) {
                                      statuses[i] = std::move(status);
                                      unanswered.DecrementCount();
                                    });
  }
  for (auto& [agent, completion] : kept.Wait(kCalls)) {
    CHECK(completion.check_awaited().ok());
    CHECK(completion.on_worker == !at_once);
    completion.finish(agent);
  }
  unanswered.Wait();
  for (int i = 0; i < kCalls; ++i) {
    CHECK(statuses[i].ok());
    CHECK(agents[i].uuid() == std::to_string(i));
  }
}

TEST_CASE("a late handler's status ends its call whether it is early or late") {
  Served served([](const Call&, GetAgentRequest& request, const Completion<Agent>& completion) {
    if (request.uuid() == "early") return status::NotFound("agent");
    std::thread([completion] { completion.finish(status::AlreadyExists("agent")); }).detach();
    return absl::OkStatus();
  });
  CHECK(ReasonOf(served.Get("early")) == "NOT_FOUND");
  CHECK(ReasonOf(served.Get("late")) == "ALREADY_EXISTS");
}

TEST_CASE("an exception of a late handler is INTERNAL") {
  const bool at_once = GENERATE(true, false);
  CAPTURE(at_once);
  Served served(
      [](const Call&, GetAgentRequest&, const Completion<Agent>&) -> absl::Status {
        throw std::runtime_error("very private");
      },
      at_once);
  const grpc::Status status = served.Get();
  CHECK(ReasonOf(status) == "INTERNAL");
  CHECK(status.error_message().find("private") == std::string::npos);
}

absl::Status EchoLate(const Call& call, GetAgentRequest& request,
                      const Completion<Agent>& completion) {
  completion.finish(Echo(call, request));
  return absl::OkStatus();
}

TEST_CASE("a late handler of a known caller needs no worker for a small request in plain bytes") {
  Served served(EchoLate);
  BusyWorker busy(served.workers());
  Agent agent;
  CHECK(served.Get("asked for", &agent).ok());
  CHECK(agent.uuid() == "asked for");
  const std::string large(kMaxBytesAtOnce + 1, 'x');
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  CHECK(served.Get(context, large).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  // It begins as gzip does, and could become anything.
  const std::string compressed = "\x1f\x8b";
  CHECK(served.SendBytes(compressed).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  busy.GoOn();
  CHECK(served.Get(large).ok());
  // A worker that has not come to rest yet is expected to take as long as the busy one did.
  REQUIRE(Eventually([&] { return served.workers().ExpectedWait() == absl::ZeroDuration(); }));
  CHECK(ReasonOf(served.SendBytes(compressed)) == "MALFORMED_REQUEST");
}

TEST_CASE("a late handler of a caller who has to be waited for runs on a worker") {
  Served served(EchoLate, /*at_once=*/false);
  BusyWorker busy(served.workers());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
  CHECK(served.Get(context).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  busy.GoOn();
  CHECK(served.Get().ok());
}

TEST_CASE("a completion tells when nobody waits any more") {
  Kept kept;
  Served served(kept.Taking());
  grpc::ClientContext with_deadline;
  with_deadline.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  CHECK(served.Get(with_deadline).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  auto late = kept.Wait(1);
  CHECK(ReasonOf(status::ToGrpcStatus(late[0].second.check_awaited())) == "DEADLINE_TOO_SHORT");
  late[0].second.finish(late[0].second.check_awaited());

  grpc::ClientContext cancelled;
  std::thread client([&] { (void)served.Get(cancelled); });
  auto given_up = kept.Wait(1);
  CHECK(given_up[0].second.check_awaited().ok());
  cancelled.TryCancel();
  client.join();
  CHECK(Eventually([&] { return absl::IsCancelled(given_up[0].second.check_awaited()); }));
  CHECK(Eventually([&] { return absl::IsCancelled(given_up[0].second.check_admitted()); }));
  given_up[0].second.finish(absl::CancelledError());
}

TEST_CASE("a completion tells when the caller may no longer make the call") {
  const bool at_once = GENERATE(true, false);
  CAPTURE(at_once);
  Kept kept;
  Served served(kept.Taking(), at_once);
  grpc::Status status;
  std::thread client([&] { status = served.Get(); });
  auto late = kept.Wait(1);
  const Completion<Agent>& completion = late[0].second;
  CHECK(completion.check_admitted().ok());
  served.callers().End();
  CHECK(completion.check_awaited().ok());
  completion.finish(completion.check_admitted());
  client.join();
  CHECK(ReasonOf(status) == "API_KEY_INVALID");
}

}  // namespace
}  // namespace alma::rpc
