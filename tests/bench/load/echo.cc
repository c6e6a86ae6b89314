#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "common/metrics/metrics.h"
#include "common/rpc/command_line.h"
#include "common/rpc/server.h"
#include "tests/bench/load/echo.h"

ABSL_FLAG(std::string, listen_on, "", "unix:/path or host:port.");

namespace alma::bench {
namespace {

constexpr char kUsage[] = "answers any unary call of MessagesService with the bytes it was sent.";

int Run() {
  rpc::BlockSignals();
  metrics::Calls metrics;
  Echo echo(metrics);
  rpc::Server server({"alma_echo", {absl::GetFlag(FLAGS_listen_on)}});
  server.Add(echo, [] { return true; });
  const absl::Status started = server.Start();
  if (!started.ok()) {
    std::fprintf(stderr, "alma_echo: %s\n", std::string(started.message()).c_str());
    return 1;
  }
  rpc::WaitForSignal();
  server.Drain(absl::Seconds(1));
  return 0;
}

}  // namespace
}  // namespace alma::bench

int main(int argc, char** argv) {
  alma::rpc::ParseCommandLine(argc, argv, alma::bench::kUsage);
  return alma::bench::Run();
}
