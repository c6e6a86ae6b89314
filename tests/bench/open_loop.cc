#include "tests/bench/open_loop.h"

#include <algorithm>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include "absl/time/clock.h"

namespace alma::bench {

struct Generator::Call {
  grpc::ClientContext context;
  grpc::ByteBuffer in;
  grpc::ByteBuffer out;
  grpc::Status status;
  absl::Time begun;
};

Generator::Generator(std::vector<std::shared_ptr<grpc::Channel>> channels, std::string key,
                     std::string path, std::function<std::string()> request,
                     absl::Duration deadline)
    : channels_(std::move(channels)),
      key_(std::move(key)),
      path_(std::move(path)),
      request_(std::move(request)),
      deadline_(deadline) {}

Generator::~Generator() {
  while (in_flight_ > 0) absl::SleepFor(absl::Milliseconds(1));
}

void Generator::Begin() {
  auto call = std::make_unique<Call>();
  call->context.AddMetadata("authorization", "Bearer " + key_);
  call->begun = absl::Now();
  call->context.set_deadline(absl::ToChronoTime(call->begun + deadline_));
  const grpc::Slice slice(request_());
  call->in = grpc::ByteBuffer(&slice, 1);
  ++in_flight_;
  grpc::GenericStub stub(channels_[next_channel_++ % channels_.size()]);
  Call* const known = call.release();
  stub.UnaryCall(&known->context, path_, {}, &known->in, &known->out,
                 [this, known](grpc::Status status) {
                   known->status = std::move(status);
                   Done(std::unique_ptr<Call>(known));
                 });
}

void Generator::Done(std::unique_ptr<Call> call) {
  const absl::Duration taken = absl::Now() - call->begun;
  {
    absl::MutexLock lock(&mutex_);
    const grpc::StatusCode code = call->status.error_code();
    if (call->status.ok() && taken <= deadline_) {
      ++ended_.good;
      latencies_.push_back(taken);
    } else if (code == grpc::StatusCode::RESOURCE_EXHAUSTED) {
      ++ended_.refused;
    } else if (call->status.ok() || code == grpc::StatusCode::DEADLINE_EXCEEDED) {
      ++ended_.late;
    } else {
      ++ended_.failed;
    }
  }
  call.reset();
  --in_flight_;
}

Ended Generator::Take() {
  absl::MutexLock lock(&mutex_);
  std::sort(latencies_.begin(), latencies_.end());
  if (!latencies_.empty()) {
    ended_.median = latencies_[latencies_.size() / 2];
    ended_.p99 = latencies_[latencies_.size() * 99 / 100];
  }
  latencies_.clear();
  return std::exchange(ended_, {});
}

Ended Generator::OpenLoop(double rate, absl::Duration length) {
  Take();
  const absl::Time begun = absl::Now();
  int64_t offered = 0;
  int64_t due_before = 0;
  for (absl::Time now = begun; now < begun + length; now = absl::Now()) {
    const auto due = static_cast<int64_t>(rate * absl::ToDoubleSeconds(now - begun));
    for (; due_before < due; ++due_before) {
      if (in_flight_ >= kMaxInFlight) continue;
      Begin();
      ++offered;
    }
    absl::SleepFor(absl::Microseconds(200));
  }
  Ended ended = Take();
  ended.offered = offered;
  return ended;
}

Ended Generator::ClosedLoop(int in_flight, absl::Duration length) {
  Take();
  const absl::Time end = absl::Now() + length;
  int64_t offered = 0;
  while (absl::Now() < end) {
    for (; in_flight_ < in_flight; ++offered) Begin();
    absl::SleepFor(absl::Microseconds(50));
  }
  Ended ended = Take();
  ended.offered = offered;
  return ended;
}

}  // namespace alma::bench
