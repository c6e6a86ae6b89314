#pragma once

#include <memory>

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "services/gateway/forwarding.h"

namespace alma::gateway {

// One streaming call of any shape. Each way a message is read only when the one before it has been
// written, so whoever is slow slows down the other side, and at most one message each way is held
// here. Each message passes only while the key holds: it waits here where the key has to be looked
// up first, and a key that ends ends the call, whether or not messages come and the client takes
// them.
class StreamProxy final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // Deletes itself.
  StreamProxy(const rpc::Method& method, const Destination& to,
              grpc::CallbackServerContext& context);
  ~StreamProxy() override;

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override { forwarding_.Cancel(); }
  void OnDone() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // The backend's side of the call.
  class Far final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Far(StreamProxy& proxy) : proxy_(proxy) {}
    void OnReadInitialMetadataDone(bool ok) override { proxy_.OnFarInitialMetadata(ok); }
    void OnReadDone(bool ok) override { proxy_.OnFarReadDone(ok); }
    void OnWriteDone(bool ok) override { proxy_.OnFarWriteDone(ok); }
    void OnDone(const grpc::Status& status) override { proxy_.OnFarDone(status); }

   private:
    StreamProxy& proxy_;
  };

  void Forward(const absl::Status& admitted) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnFarInitialMetadata(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnFarReadDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnFarWriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnFarDone(const grpc::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnKeyChecked(const absl::Status& checked) ABSL_LOCKS_EXCLUDED(mutex_);
  // Pass on the message that waits, if one does and may.
  void PassUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PassDown() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayPass() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Nothing more is read from the backend.
  void EndFar() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const rpc::Method& method_;
  absl::Mutex mutex_;
  Forwarding forwarding_;
  Far far_;
  // Towards the backend and towards the client.
  grpc::ByteBuffer up_;
  grpc::ByteBuffer down_;
  // The backend has sent its last message: nothing is started on either side from now on but the
  // end.
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool up_waits_ ABSL_GUARDED_BY(mutex_) = false;
  bool down_waits_ ABSL_GUARDED_BY(mutex_) = false;
  // Why the key does not hold any more.
  absl::Status refused_ ABSL_GUARDED_BY(mutex_);
  // When that was seen, on the clock that is not set.
  absl::Duration refused_at_ ABSL_GUARDED_BY(mutex_);
  // Null where the call was not let in.
  std::unique_ptr<auth::KeyWatch> key_;
};

}  // namespace alma::gateway
