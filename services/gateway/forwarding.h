#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server_context.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
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
  // Called when a call of an administrator's scope has ended, before it is answered: it may have
  // changed which keys are in force.
  std::function<void()> on_change;
};

// One forwarded call but for its messages: who may make it, what goes on to the backend beside the
// bytes, and what comes back. Not thread-safe but for Cancel.
class Forwarding {
 public:
  // As rpc::CallRecord.
  Forwarding(const rpc::Method& method, const Destination& to, grpc::CallbackServerContext& context,
             absl::Duration default_deadline);

  // Calls `done` with whether the call may be made: at once where the key is remembered, else on a
  // worker. This object outlives `done`.
  template <typename Done>
  void Admit(Done done) {
    if (!rpc::Visible(method_, to_.runtime)) return done(status::MethodUnimplemented());
    if (auto admitted = record_.TryAdmit(); admitted.has_value()) return done(*admitted);
    if (!AdmitAgain(done)) done(status::Overloaded(to_.runtime.workers.RetryAfter()));
  }

  // Calls `done`, on a worker, with whether the call may still be made; false where nobody has time
  // for that, and then `done` is not called.
  template <typename Done>
  [[nodiscard]] bool AdmitAgain(Done done) {
    return to_.runtime.workers.Submit(
        [this, done] { done(record_.Guard([this] { return record_.Admit(); })); },
        record_.deadline());
  }

  // Takes a place at the backend and makes the context for it. After Admit.
  grpc::GenericStub& Start();
  // Valid after Start.
  grpc::ClientContext& backend_context() { return backend_context_; }

  // Ends the call to the backend, begun or not.
  void Cancel() { backend_context_.TryCancel(); }

  // Copies the backend's initial metadata for the client, before it is sent.
  void PassInitialMetadata();

  // What the client gets for `status`, with which the call to the backend ended: the same, but
  // where no service made it because the connection failed or the time was over. Once, instead of
  // the next one.
  grpc::Status Close(const grpc::Status& status);
  // Ends a call that the gateway refuses.
  grpc::Status Close(const absl::Status& status) { return record_.Close(status); }

 private:
  void PassTrailers();

  const rpc::Method& method_;
  const Destination& to_;
  grpc::CallbackServerContext& context_;
  rpc::CallRecord record_;
  grpc::ClientContext backend_context_;
  std::optional<Backend::Place> place_;
  bool passed_initial_metadata_ = false;
};

}  // namespace alma::gateway
