#pragma once

#include "alma/conversations/v1/messages.pb.h"
#include "common/metrics/metrics.h"
#include "common/rpc/bytes_service.h"

namespace alma::bench {

// MessagesService that answers a unary call with the bytes it was sent: the least that a backend
// can do, so that what stands in front of it is what is measured. Refuses streams.
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

  Stream* BeginStream(const rpc::Method&, grpc::CallbackServerContext&) override {
    class Refusal final : public Stream {
     public:
      Refusal() { Finish({grpc::StatusCode::UNIMPLEMENTED, "streams are not echoed"}); }
      void OnDone() override { delete this; }
    };
    return new Refusal();
  }
};

}  // namespace alma::bench
