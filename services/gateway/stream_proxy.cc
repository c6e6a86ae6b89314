#include "services/gateway/stream_proxy.h"

#include "common/limit/clock.h"

namespace alma::gateway {

StreamProxy::StreamProxy(const rpc::Method& method, const Destination& to,
                         grpc::CallbackServerContext& context)
    : method_(method), forwarding_(method, to, context, absl::InfiniteDuration()), far_(*this) {
  forwarding_.Admit([this](const absl::Status& admitted) { Forward(admitted); });
}

StreamProxy::~StreamProxy() { key_.reset(); }

void StreamProxy::Forward(const absl::Status& admitted) {
  absl::MutexLock lock(&mutex_);
  if (!admitted.ok()) return Finish(forwarding_.Close(admitted));
  key_ = forwarding_.WatchKey([this](const absl::Status& checked) { OnKeyChecked(checked); });
  forwarding_.Start().PrepareBidiStreamingCall(&forwarding_.backend_context(), method_.path, {},
                                               &far_);
  // Operations on it are started by the client's side too; EndFar lets go.
  far_.AddHold();
  far_.StartCall();
  StartRead(&up_);
}

void StreamProxy::OnReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (ended_) return;
  if (!ok) return far_.StartWritesDone();
  up_waits_ = true;
  PassUp();
}

void StreamProxy::OnFarWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  // Where the backend takes no more, what is left to read from it says why.
  if (ok && !ended_) StartRead(&up_);
}

void StreamProxy::OnFarInitialMetadata(bool ok) {
  absl::MutexLock lock(&mutex_);
  // Not where the answer is trailers-only: clients retry such a call.
  if (ok && refused_.ok()) {
    forwarding_.PassInitialMetadata();
    StartSendInitialMetadata();
  }
  far_.StartRead(&down_);
}

void StreamProxy::OnFarReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok) return EndFar();
  down_waits_ = true;
  PassDown();
}

void StreamProxy::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok) forwarding_.Cancel();
  far_.StartRead(&down_);
}

void StreamProxy::OnFarDone(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  Finish(refused_.ok() ? forwarding_.Close(status) : forwarding_.Close(refused_));
}

void StreamProxy::OnKeyChecked(const absl::Status& checked) {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  if (!refused_.ok()) {
    if (now - refused_at_ >= rpc::kTimeToTake) forwarding_.Abort();
    return;
  }
  if (!checked.ok()) {
    refused_ = checked;
    refused_at_ = now;
    forwarding_.Cancel();
    return PassDown();
  }
  PassUp();
  PassDown();
}

void StreamProxy::PassUp() {
  if (!up_waits_ || ended_ || !MayPass()) return;
  up_waits_ = false;
  far_.StartWrite(&up_);
}

void StreamProxy::PassDown() {
  if (!down_waits_) return;
  if (refused_.ok() && !MayPass()) return;
  down_waits_ = false;
  if (!refused_.ok()) return EndFar();
  StartWrite(&down_);
}

bool StreamProxy::MayPass() { return refused_.ok() && (key_ == nullptr || key_->Holds()); }

void StreamProxy::EndFar() {
  ended_ = true;
  far_.RemoveHold();
}

void StreamProxy::OnDone() {
  // OnFarDone may be on its way out.
  { absl::MutexLock lock(&mutex_); }
  delete this;
}

}  // namespace alma::gateway
