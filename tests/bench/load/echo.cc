#include <cstdio>
#include <string>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "alma/conversations/v1/messages.pb.h"
#include "common/metrics/metrics.h"
#include "common/rpc/command_line.h"
#include "common/rpc/server.h"

ABSL_FLAG(std::string, listen_on, "", "unix:/path or host:port.");

namespace alma::bench {
namespace {

constexpr char kUsage[] = "answers any unary call of MessagesService with the bytes it was sent.";

// The least that a backend can do, so that what stands in front of it is what is measured.
class Echo final : public rpc::BytesService {
 public:
  explicit Echo(metrics::Calls& metrics)
      : BytesService(
            *conversations::v1::Message::descriptor()->file()->FindServiceByName("MessagesService"),
            metrics) {}

 private:
  grpc::ServerUnaryReactor* BeginUnary(const rpc::Method&, grpc::CallbackServerContext& context,
                                       const grpc::ByteBuffer& in, grpc::ByteBuffer* out) override {
    grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
    // A client that is gone has sent none, and gRPC aborts when none is answered.
    if (!in.Valid()) {
      reactor->Finish({grpc::StatusCode::INVALID_ARGUMENT, "no message"});
      return reactor;
    }
    *out = in;
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  // Refused: the bench makes no streams.
  Stream* BeginStream(const rpc::Method&, grpc::CallbackServerContext&) override {
    class Refusal final : public Stream {
     public:
      Refusal() { Finish({grpc::StatusCode::UNIMPLEMENTED, "streams are not echoed"}); }
      void OnDone() override { delete this; }
    };
    return new Refusal();
  }
};

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
