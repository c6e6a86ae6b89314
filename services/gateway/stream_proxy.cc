#include "services/gateway/stream_proxy.h"

#include "absl/time/clock.h"
#include "common/rpc/inflate.h"

namespace alma::gateway {

StreamProxy::StreamProxy(const rpc::Method& method, const Destination& to,
                         grpc::CallbackServerContext& context)
    : method_(method), forwarding_(method, to, context, absl::InfiniteDuration()), far_(*this) {
  forwarding_.Admit([this](const absl::Status& admitted) { Forward(admitted); });
}

void StreamProxy::Forward(const absl::Status& admitted) {
  absl::MutexLock lock(&mutex_);
  if (!admitted.ok()) return Finish(forwarding_.Close(admitted));
  admitted_at_ = absl::Now();
  check_key_at_ = admitted_at_ + kCheckKeyEvery;
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
  CheckKey();
  if (!ok) return far_.StartWritesDone();
  grpc::ByteBuffer plain;
  const absl::StatusOr<bool> inflated = rpc::Inflate(up_, &plain);
  if (!inflated.ok()) {
    refused_ = inflated.status();
    return forwarding_.Cancel();
  }
  if (*inflated) up_.Swap(&plain);
  far_.StartWrite(&up_);
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
  if (ok) {
    CheckKey();
    return StartWrite(&down_);
  }
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
  far_status_ = status;
  TryFinish();
}

void StreamProxy::CheckKey() {
  const absl::Time now = absl::Now();
  if (checking_key_ || now < check_key_at_) return;
  check_key_at_ = now + kCheckKeyEvery;
  checking_key_ =
      forwarding_.AdmitAgain([this](const absl::Status& admitted) { OnKeyChecked(admitted); });
}

void StreamProxy::OnKeyChecked(const absl::Status& admitted) {
  absl::MutexLock lock(&mutex_);
  checking_key_ = false;
  const absl::Time now = absl::Now();
  if (admitted.ok()) {
    admitted_at_ = now;
  } else if (!absl::IsUnavailable(admitted) || now > admitted_at_ + kWithoutKeyStore) {
    refused_ = admitted;
    forwarding_.Cancel();
  }
  TryFinish();
}

void StreamProxy::TryFinish() {
  if (!far_status_.has_value() || checking_key_) return;
  Finish(refused_.ok() ? forwarding_.Close(*far_status_) : forwarding_.Close(refused_));
}

void StreamProxy::OnDone() {
  // OnFarDone may be on its way out.
  { absl::MutexLock lock(&mutex_); }
  delete this;
}

}  // namespace alma::gateway
