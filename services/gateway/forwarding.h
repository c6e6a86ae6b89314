#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/limit/congestion_window.h"
#include "common/rpc/call_record.h"
#include "common/rpc/method.h"
#include "common/status/status.h"
#include "services/gateway/backend.h"
#include "services/gateway/principals.h"

namespace alma::gateway {

// What forwarding needs beside the call itself. All of it outlives the calls.
struct Destination {
  rpc::Runtime& runtime;
  Backend& backend;
  Principals& principals;
  // Called when a call has ended that may have changed which keys of an organization are in force,
  // before it is answered.
  std::function<void(const std::string& organization_uuid)> on_change;
};

// One forwarded call but for its messages: who may make it, what goes on to the backend beside the
// bytes, and what comes back. Not thread-safe but for Cancel.
class Forwarding {
 public:
  // Where a service refuses a call that has less time left it says nothing of the others in
  // its window: they would have waited.
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);
  // What a call is asked to wait that has no room in its window, and up to half of it more.
  static constexpr absl::Duration kRetryFullWindow = absl::Milliseconds(100);

  // As rpc::CallRecord. `windows`: of the calls of this method that are on their way, where they
  // are limited; outlive this object.
  Forwarding(const rpc::Method& method, const Destination& to, grpc::CallbackServerContext& context,
             absl::Duration default_deadline, limit::CongestionWindows* windows = nullptr);

  // Whether the call may be made, for which it has a place at the backend then; nullopt where that
  // is not known at once.
  std::optional<absl::Status> TryAdmit();

  // Where TryAdmit did not know: calls `done` with the answer, on a worker unless there is none.
  // This object outlives `done`.
  using Admitted = std::function<void(const absl::Status&)>;
  void AdmitLater(const Admitted& done);
  // The one or the other.
  void Admit(const Admitted& done);

  // As rpc::CallRecord::WatchKey.
  std::unique_ptr<auth::KeyWatch> WatchKey(const auth::KeyWatches::OnChecked& on_checked) const {
    return record_.WatchKey(on_checked);
  }

  // Makes the context for the backend. After Admit.
  grpc::GenericStub& Start();
  // Valid after Start.
  grpc::ClientContext& backend_context() { return *backend_context_; }

  // Ends the call to the backend, begun or not.
  void Cancel() {
    cancelled_ = true;
    if (started_) backend_context_->TryCancel();
  }

  // See rpc::CallRecord.
  void Abort() { record_.Abort(); }

  // Copies the backend's initial metadata for the client, before it is sent.
  void PassInitialMetadata();

  // Calls Destination::on_change where a unary call that ended so, with `answer` where it is OK,
  // may have changed keys.
  void TellChange(const grpc::Status& status, const grpc::ByteBuffer& answer) const;

  // What the client gets for `status`, with which the call to the backend ended: the same, but
  // where no service made it because the connection failed, the process ended or the time was over.
  // Once, instead of the next one.
  grpc::Status Close(const grpc::Status& status);
  // Ends a call that the gateway refuses.
  grpc::Status Close(const absl::Status& status) { return record_.Close(status); }

 private:
  // UNAVAILABLE where no process of the backend answers, RESOURCE_EXHAUSTED (OVERLOADED) where it
  // would refuse the call.
  absl::Status TakePlace();
  // What gRPC made up for want of an answer, as the error that it is; else OK.
  absl::Status WithoutAnswer(const grpc::Status& status) const;
  void PassTrailers();

  const rpc::Method& method_;
  const Destination& to_;
  grpc::CallbackServerContext& context_;
  rpc::CallRecord record_;
  // Made by Start: it costs more than a refusal.
  std::optional<grpc::ClientContext> backend_context_;
  limit::CongestionWindows* const windows_;
  std::optional<limit::CongestionWindow::Call> on_its_way_;
  std::optional<Backend::Place> place_;
  bool passed_initial_metadata_ = false;
  // Of Start and Cancel the later one sees that there was the other.
  std::atomic<bool> started_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace alma::gateway
