#include "services/gateway/stream_proxy.h"

namespace alma::gateway {

StreamProxy::StreamProxy(const rpc::Method& method, const Destination& to,
                         grpc::CallbackServerContext& context)
    : method_(method), forwarding_(method, to, context, absl::InfiniteDuration()), far_(*this) {
  forwarding_.Admit([this](const absl::Status& admitted) { Forward(admitted); });
}

void StreamProxy::Forward(const absl::Status& admitted) {
  absl::MutexLock lock(&mutex_);
  if (!admitted.ok()) return Finish(forwarding_.Close(admitted));
  forwarding_.Start().PrepareBidiStreamingCall(&forwarding_.backend_context(), method_.path, {},
                                               &far_);
  // Operations on it are started by the client's side too; OnFarReadDone lets go.
  far_.AddHold();
  far_.StartCall();
  StartRead(&up_);
}

void StreamProxy::OnReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (ended_) return;
  if (ok) {
    far_.StartWrite(&up_);
  } else {
    far_.StartWritesDone();
  }
}

void StreamProxy::OnFarWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  // Where the backend takes no more, what is left to read from it says why.
  if (ok && !ended_) StartRead(&up_);
}

void StreamProxy::OnFarInitialMetadata(bool ok) {
  absl::MutexLock lock(&mutex_);
  // Not where the answer is trailers-only: clients retry such a call.
  if (ok) {
    forwarding_.PassInitialMetadata();
    StartSendInitialMetadata();
  }
  far_.StartRead(&down_);
}

void StreamProxy::OnFarReadDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (ok) return StartWrite(&down_);
  ended_ = true;
  far_.RemoveHold();
}

void StreamProxy::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  if (!ok) forwarding_.Cancel();
  far_.StartRead(&down_);
}

void StreamProxy::OnFarDone(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  Finish(forwarding_.Close(status));
}

void StreamProxy::OnDone() {
  // OnFarDone may be on its way out.
  { absl::MutexLock lock(&mutex_); }
  delete this;
}

}  // namespace alma::gateway
