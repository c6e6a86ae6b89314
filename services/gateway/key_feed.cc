#include "services/gateway/key_feed.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <grpc/grpc.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>
#include <prometheus/family.h>

#include "absl/time/clock.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "common/log/log.h"
#include "common/rpc/caller.h"
#include "common/status/status.h"

namespace alma::gateway {

using organizations::v1::ApiKeysService;
using organizations::v1::ListKeyChangesRequest;
using organizations::v1::ListKeyChangesResponse;

// One call of ListKeyChanges.
struct KeyFeed::Stream final : public grpc::ClientReadReactor<ListKeyChangesResponse> {
  Stream(KeyFeed& to, size_t of) : feed(to), process(of), stub(to.store_.channel(of)) {
    const absl::Time now = absl::Now();
    context.AddMetadata(rpc::kPrincipal, feed.store_.principals().ForGateway(now));
    request.set_after_change_seq(feed.authenticator_.change_seq());
    heard_at = now;
    stub.async()->ListKeyChanges(&context, &request, this);
    StartRead(&response);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    // The first heartbeat says that all changes before have been sent.
    up_to_date |= response.change_case() == ListKeyChangesResponse::CHANGE_NOT_SET;
    feed.authenticator_.Apply(response, up_to_date);
    feed.store_.Reached(process);
    {
      absl::MutexLock lock(&feed.mutex_);
      heard = true;
      heard_at = absl::Now();
      feed.following_ = up_to_date;
      feed.followed_.Set(up_to_date ? 1 : 0);
      feed.told_refused_ = false;
    }
    StartRead(&response);
  }

  void OnDone(const grpc::Status& with) override {
    absl::MutexLock lock(&feed.mutex_);
    status = with;
  }

  KeyFeed& feed;
  const size_t process;
  ApiKeysService::Stub stub;
  grpc::ClientContext context;
  ListKeyChangesRequest request;
  ListKeyChangesResponse response;
  bool up_to_date = false;
  // Guarded by the feed's mutex.
  bool heard = false;
  absl::Time heard_at;
  std::optional<grpc::Status> status;
};

KeyFeed::KeyFeed(KeyStore& store, auth::Authenticator& authenticator, metrics::Calls& metrics)
    : store_(store),
      authenticator_(authenticator),
      followed_(prometheus::BuildGauge()
                    .Name("alma_key_changes_followed")
                    .Help("1 while this gateway knows of every change of keys, else 0.")
                    .Register(*metrics.registry())
                    .Add({})),
      thread_([this] { Run(); }) {}

KeyFeed::~KeyFeed() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void KeyFeed::RetryNow() {
  const auto followed = [](bool* following) { return *following; };
  absl::MutexLock lock(&mutex_);
  if (following_) return;
  for (size_t i = 0; i < store_.processes(); ++i) {
    grpc::experimental::ChannelResetConnectionBackoff(store_.channel(i).get());
  }
  retry_ = true;
  mutex_.AwaitWithTimeout(absl::Condition(+followed, &following_), kRetryWithin);
}

void KeyFeed::Run() {
  const auto called = [](KeyFeed* feed) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return feed->stopping_ || feed->retry_;
  };
  absl::Duration pause = kMinPause;
  size_t in_vain = 0;
  for (size_t process = 0;;) {
    const Outcome outcome = Follow(process);
    absl::MutexLock lock(&mutex_);
    if (stopping_) return;
    if (outcome == Outcome::kUnreachable) {
      ++process;
      if (++in_vain >= store_.processes()) store_.Lost();
    } else {
      in_vain = 0;
    }
    pause = outcome == Outcome::kEnded ? kMinPause : std::min(pause * 2, kMaxPause);
    mutex_.AwaitWithTimeout(absl::Condition(+called, this), pause);
    if (stopping_) return;
    retry_ = false;
  }
}

KeyFeed::Outcome KeyFeed::Follow(size_t process) {
  Stream stream(*this, process);
  bool silent = false;
  {
    const auto ended = [](Stream* s) { return s->status.has_value(); };
    const auto ended_or_stopping = [](Stream* s) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return s->status.has_value() || s->feed.stopping_;
    };
    absl::MutexLock lock(&mutex_);
    while (!silent && !mutex_.AwaitWithDeadline(absl::Condition(+ended_or_stopping, &stream),
                                                stream.heard_at + kSilence)) {
      silent = absl::Now() >= stream.heard_at + kSilence;
    }
    stream.context.TryCancel();
    mutex_.Await(absl::Condition(+ended, &stream));
    following_ = false;
    followed_.Set(0);
  }
  if (!silent && stream.heard) return Outcome::kEnded;
  const grpc::StatusCode code = stream.status->error_code();
  const bool answers = silent ? store_.Answers(process) : code != grpc::StatusCode::UNAVAILABLE;
  if (!answers) return Outcome::kUnreachable;
  // It is there, but keys are remembered for a moment only.
  store_.Reached(process);
  absl::MutexLock lock(&mutex_);
  if (!std::exchange(told_refused_, true)) {
    log::Warning("key_changes_unavailable", {{"code", status::CodeName(code)}});
  }
  return Outcome::kRefused;
}

}  // namespace alma::gateway
