#include "common/rpc/service.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "alma/conversations/v1/messages.grpc.pb.h"
#include "catch2/catch.hpp"
#include "common/auth/scopes.h"
#include "common/status/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/common/rpc/busy_worker.h"
#include "tests/common/rpc/test_service.h"
#include "tests/support/captured.h"

// What Answer does for every unary call, seen through a service of one method.
namespace alma::rpc {
namespace {

using agents::v1::Agent;
using agents::v1::AgentsService;
using agents::v1::GetAgentRequest;
using testing::ByReader;
using testing::Caller;
using testing::Echo;
using testing::GetAgentService;
using testing::InProcessServer;
using testing::kGetAgent;
using testing::kOrganization;
using testing::Reader;
using testing::ReasonOf;
using testing::Served;
using testing::SetCaller;
using testing::TestRuntime;

TEST_CASE("a handler gets the caller and the request and its answer is sent") {
  Served served(Echo);
  Agent agent;
  CHECK(served.Get(*ByReader(), &agent).ok());
  CHECK(agent.uuid() == "asked for");
  CHECK(agent.origin() == kOrganization);
}

TEST_CASE("an empty request reaches its handler") {
  Served served(Echo);
  CHECK(served.Send(*ByReader(), kGetAgent, "").ok());
}

TEST_CASE("a handler's status reaches the client with its reason") {
  Served served([](const Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
    return status::NotFound("agent");
  });
  const grpc::Status status = served.Get(*ByReader());
  CHECK(status.error_code() == grpc::StatusCode::NOT_FOUND);
  CHECK(ReasonOf(status) == "NOT_FOUND");
}

TEST_CASE("method and key and scope and bytes are checked in this order") {
  Served served(Echo);
  const std::string garbage = "\xFF\xFF";
  grpc::ClientContext unknown;
  CHECK(served.Send(unknown, "/alma.agents.v1.AgentsService/Absent", garbage).error_code() ==
        grpc::StatusCode::UNIMPLEMENTED);
  grpc::ClientContext unhandled;
  const grpc::Status unimplemented =
      served.Send(unhandled, "/alma.agents.v1.AgentsService/ListAgents", garbage);
  CHECK(unimplemented.error_code() == grpc::StatusCode::UNIMPLEMENTED);
  CHECK(ReasonOf(unimplemented) == "METHOD_UNIMPLEMENTED");
  grpc::ClientContext without_key;
  CHECK(ReasonOf(served.Send(without_key, kGetAgent, garbage)) == "API_KEY_INVALID");
  grpc::ClientContext without_scope;
  SetCaller(without_scope, Caller(kOrganization, {auth::kAgentsWrite}));
  CHECK(ReasonOf(served.Send(without_scope, kGetAgent, garbage)) == "SCOPE_MISSING");
  CHECK(ReasonOf(served.Send(*ByReader(), kGetAgent, garbage)) == "MALFORMED_REQUEST");
  const grpc::Status invalid = served.Send(*ByReader(), kGetAgent, "\x0A\x01\xFF");
  CHECK(ReasonOf(invalid) == "FIELD_INVALID");
  CHECK(testing::FieldsOf(invalid) == std::vector<std::string>{"uuid"});
}

TEST_CASE("a streaming method without a handler is UNIMPLEMENTED") {
  class Messages final : public Service {
   public:
    explicit Messages(Runtime& runtime)
        : Service(*conversations::v1::Message::descriptor()->file()->FindServiceByName(
                      "MessagesService"),
                  runtime) {}
  };
  TestRuntime runtime;
  Messages service(*runtime);
  const InProcessServer server({&service});
  const auto stub = conversations::v1::MessagesService::NewStub(server.channel());
  const auto both = ByReader();
  const auto import = stub->ImportMessages(both.get());
  import->WritesDone();
  CHECK(ReasonOf(import->Finish()) == "METHOD_UNIMPLEMENTED");
  const auto down = ByReader();
  const auto export_messages = stub->ExportMessages(down.get(), {});
  conversations::v1::ExportMessagesResponse response;
  CHECK_FALSE(export_messages->Read(&response));
  CHECK(export_messages->Finish().error_code() == grpc::StatusCode::UNIMPLEMENTED);
}

TEST_CASE("an exception of a handler is INTERNAL without its text and the process lives") {
  Served served([](const Call&, GetAgentRequest& request) -> absl::StatusOr<Agent> {
    if (request.uuid().empty()) throw 7;
    throw std::runtime_error("very private");
  });
  testing::Captured log(STDERR_FILENO);
  for (const std::string bytes : {"", "\x0A\x01x"}) {
    const grpc::Status status = served.Send(*ByReader(), kGetAgent, bytes);
    CHECK(status.error_code() == grpc::StatusCode::INTERNAL);
    CHECK(ReasonOf(status) == "INTERNAL");
    CHECK(status.error_message().find("private") == std::string::npos);
    CHECK(status.error_details().find("private") == std::string::npos);
  }
  const std::string lines = log.Text();
  CHECK(lines.find("unexpected_exception") != std::string::npos);
  CHECK(lines.find("private") == std::string::npos);
}

TEST_CASE("a status that is not of the contract is INTERNAL without its text") {
  Served served([](const Call&, GetAgentRequest&) -> absl::StatusOr<Agent> {
    return absl::NotFoundError("select secret from very_private");
  });
  const grpc::Status status = served.Get(*ByReader());
  CHECK(status.error_code() == grpc::StatusCode::INTERNAL);
  CHECK(status.error_message().find("private") == std::string::npos);
}

TEST_CASE("a call whose deadline passed while it waited is not run") {
  std::atomic<int> run = 0;
  TestRuntime shared;
  WorkerPool one_worker(1, 10);
  Runtime runtime{one_worker, (*shared).callers, (*shared).metrics, (*shared).hold};
  GetAgentService service(runtime, [&](const Call& call, GetAgentRequest& request) {
    ++run;
    return Echo(call, request);
  });
  const InProcessServer server({&service});
  BusyWorker busy(one_worker);
  const auto context = ByReader();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  Agent agent;
  CHECK(
      AgentsService::NewStub(server.channel())->GetAgent(context.get(), {}, &agent).error_code() ==
      grpc::StatusCode::DEADLINE_EXCEEDED);
  absl::Notification drained;
  REQUIRE(one_worker.Submit([&] { drained.Notify(); }));
  busy.GoOn();
  drained.WaitForNotification();
  CHECK(run == 0);
}

TEST_CASE("a handler is told the caller's deadline or the default one") {
  std::atomic<int64_t> millis = 0;
  Served served([&](const Call& call, GetAgentRequest& request) {
    millis = absl::ToInt64Milliseconds(call.deadline - absl::Now());
    return Echo(call, request);
  });
  grpc::ClientContext without;
  without.AddMetadata("test-principal-bin", Reader().SerializeAsString());
  CHECK(served.Get(without).ok());
  CHECK(millis > 29'000);
  CHECK(millis <= 30'000);
  const auto with = ByReader();
  with->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  CHECK(served.Get(*with).ok());
  CHECK(millis > 4'000);
  CHECK(millis <= 5'000);
}

TEST_CASE("a deadline beyond what nanoseconds count is as good as a near one") {
  Served served(Echo);
  const auto far = ByReader();
  gpr_timespec deadline = gpr_now(GPR_CLOCK_REALTIME);
  deadline.tv_sec += int64_t{400} * 365 * 24 * 3600;
  far->set_deadline(deadline);
  CHECK(served.Get(*far).ok());
}

TEST_CASE("a full queue refuses at once and says when to come back") {
  TestRuntime shared;
  WorkerPool one_worker(1, 1);
  Runtime runtime{one_worker, (*shared).callers, (*shared).metrics, (*shared).hold};
  GetAgentService service(runtime, Echo);
  const InProcessServer server({&service});
  BusyWorker busy(one_worker);
  REQUIRE(one_worker.Submit([] {}));
  const auto stub = AgentsService::NewStub(server.channel());
  Agent agent;
  const auto context = ByReader();
  const grpc::Status refused = stub->GetAgent(context.get(), {}, &agent);
  busy.GoOn();
  CHECK(refused.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  const auto pushback = context->GetServerTrailingMetadata().find("grpc-retry-pushback-ms");
  REQUIRE(pushback != context->GetServerTrailingMetadata().end());
  // gRPC counts it from before now.
  const int millis = std::stoi(std::string(pushback->second.data(), pushback->second.size())) - 10;
  CHECK(millis >= 100);
  CHECK(ReasonOf(refused) == "OVERLOADED");
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(refused.error_details()));
  google::rpc::RetryInfo retry;
  REQUIRE(details.details(1).UnpackTo(&retry));
  CHECK(retry.retry_delay().seconds() == 0);
  CHECK(retry.retry_delay().nanos() > (millis - 1) * 1'000'000);
  CHECK(retry.retry_delay().nanos() <= millis * 1'000'000);
}

}  // namespace
}  // namespace alma::rpc
