#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/limit/limiter.h"
#include "common/metrics/metrics.h"
#include "common/rpc/call.h"
#include "common/rpc/caller.h"
#include "common/rpc/hold.h"
#include "common/rpc/stream_handler.h"
#include "common/rpc/worker_pool.h"

namespace alma::rpc {

class LateCall;

// What the services of one process share. Everything in it outlives them.
struct Runtime {
  WorkerPool& workers;
  Callers& callers;
  metrics::Calls& metrics;
  // That of the server.
  Hold& hold;
  // What a call without a deadline gets.
  absl::Duration default_deadline = absl::Seconds(30);
  // What callers are held to; none where a gateway has done that.
  limit::Limiter* limiter = nullptr;
};

// One method of a service. At most one of `handler`, `late_handler` (both unary) and `new_stream`
// is set, and none where calls are forwarded.
struct Method {
  // `in` is not compressed.
  using Handler =
      std::function<absl::Status(const Call&, const grpc::ByteBuffer& in, grpc::ByteBuffer* out)>;
  // Begins what ends with LateCall::FinishLate, from any thread. Where it returns another status
  // than OK, the call is to end with that instead.
  using LateHandler = std::function<absl::Status(LateCall&)>;
  using NewStream = std::function<std::unique_ptr<StreamHandler>(StreamHandler::Wake wake)>;

  // "/package.Service/Method"
  std::string path;
  // The scope that its proto names.
  std::string_view scope;
  Handler handler;
  LateHandler late_handler;
  NewStream new_stream;
  // Where its streams run, if not on the workers of the runtime.
  WorkerPool* workers = nullptr;
  std::unique_ptr<metrics::Method> metrics;
};

// Whether these callers may know of the method: those of the scope "internal" do not exist for all.
bool Visible(const Method& method, const Runtime& runtime);

// Whether the method answers anything but UNIMPLEMENTED in this process.
bool Exists(const Method& method, const Runtime& runtime);

}  // namespace alma::rpc
