#include "tests/bench/load/load.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "catch2/catch.hpp"
#include "common/rpc/server.h"
#include "tests/bench/load/echo.h"
#include "tests/support/captured.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tenants.h"

namespace alma::bench {
namespace {

using testing::Ok;

class EchoServer {
 public:
  EchoServer() : echo_(metrics_), server_({"echo", {address()}}) {
    server_.Add(echo_, [] { return true; });
    testing::Captured ready_line(STDOUT_FILENO);
    REQUIRE(server_.Start().ok());
  }
  std::string address() const { return "unix:" + folder_.path() + "/socket"; }

 private:
  testing::TemporaryFolder folder_;
  metrics::Calls metrics_;
  Echo echo_;
  rpc::Server server_;
};

Workload Calling(const std::string& calls) {
  WorkloadOptions options;
  options.calls = calls;
  options.authorizations = {"Bearer key"};
  return Ok(Workload::Create(options));
}

TEST_CASE("the driver makes the number of calls that it is told to") {
  const EchoServer server;
  Workload workload = Calling("create:1,get:1");
  LoadOptions options;
  options.calls = 501;
  options.in_flight = 20;
  const LoadResult result = Ok(Ok(Load::Create(server.address(), options, false))->Run(workload));
  CHECK(result.calls == 501);
  CHECK(result.calls_in_all == 501);
  CHECK(result.errors.empty());
  CHECK(result.latency.count() == 501);
  CHECK(result.latency.Percentile(0.5) > 0);
  CHECK(result.counted > absl::ZeroDuration());
}

TEST_CASE("the driver counts errors by their status and not as calls") {
  const EchoServer server;
  Workload workload = Calling("conversations");
  LoadOptions options;
  options.calls = 30;
  const LoadResult result = Ok(Ok(Load::Create(server.address(), options, false))->Run(workload));
  CHECK(result.calls == 0);
  CHECK(result.latency.count() == 0);
  CHECK(result.errors == std::map<int, int64_t>{{grpc::StatusCode::UNIMPLEMENTED, 30}});
}

TEST_CASE("the driver makes a number of calls at a rate") {
  const EchoServer server;
  Workload workload = Calling("create");
  LoadOptions options;
  options.calls = 50;
  options.rate = 500;
  const LoadResult result = Ok(Ok(Load::Create(server.address(), options, false))->Run(workload));
  CHECK(result.calls == 50);
  // The first is due at once.
  CHECK(result.counted >= absl::Milliseconds(98));
}

TEST_CASE("the driver begins as many calls a second as it is told to") {
  const EchoServer server;
  Workload workload = Calling("create");
  LoadOptions options;
  options.rate = 1000;
  options.warmup = absl::Milliseconds(100);
  options.duration = absl::Milliseconds(400);
  const LoadResult result = Ok(Ok(Load::Create(server.address(), options, false))->Run(workload));
  CHECK(result.unanswered == 0);
  // What was due counts, however late a busy machine began it.
  CHECK(result.calls >= 399);
  CHECK(result.calls <= 401);
  CHECK(result.calls_in_all >= 499);
  CHECK(result.calls_in_all <= 501);
}

TEST_CASE("the driver sends its deadline and does not count what comes after it") {
  const EchoServer server;
  Workload workload = Calling("create");
  LoadOptions options;
  options.calls = 1000;
  options.in_flight = 1000;
  options.connections = 1;
  options.deadline = absl::Milliseconds(1);
  LoadResult result = Ok(Ok(Load::Create(server.address(), options, false))->Run(workload));
  const int64_t refused = result.errors[grpc::StatusCode::DEADLINE_EXCEEDED];
  CHECK(result.calls + result.late + refused == 1000);
  CHECK(result.late + refused > 0);
  options.deadline = absl::Minutes(5);
  result = Ok(Ok(Load::Create(server.address(), options, false))->Run(workload));
  CHECK(result.calls == 1000);
  CHECK(result.late == 0);
}

TEST_CASE("the driver ends a call at its deadline where nobody answers") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  const int silent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(bind(silent, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0);
  REQUIRE(listen(silent, 1) == 0);
  Workload workload = Calling("create");
  LoadOptions options;
  options.calls = 300;
  options.in_flight = 150;
  options.connections = 1;
  options.deadline = absl::Milliseconds(20);
  const LoadResult result = Ok(Ok(Load::Create("unix:" + path, options, false))->Run(workload));
  close(silent);
  CHECK(result.errors == std::map<int, int64_t>{{grpc::StatusCode::DEADLINE_EXCEEDED, 300}});
}

TEST_CASE("the driver sends messages of any size whole and gives back the answer") {
  const EchoServer server;
  const auto load = Ok(Load::Create(server.address(), {}, /*keep_answers=*/true));
  WorkloadOptions options;
  options.calls = "batch";
  options.authorizations = {"Bearer key"};
  for (const int size : {1, 60, 1000, 10'000}) {
    options.batch_size = size;
    const Request request = Ok(Workload::Create(options)).Next();
    const std::string message = request.message;
    // The path is a literal; the credential would go with the workload.
    CHECK(Ok(load->Call({request.path, "authorization", "Bearer key", message})) == message);
  }
}

TEST_CASE("the driver says that nobody listens") {
  const testing::TemporaryFolder folder;
  CHECK(Load::Create("unix:" + folder.path() + "/nobody", {}, false).status().code() ==
        absl::StatusCode::kUnavailable);
  CHECK(Load::Create("nonsense", {}, false).status().code() == absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace alma::bench
