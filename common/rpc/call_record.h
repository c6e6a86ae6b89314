#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/auth/key_watch.h"
#include "common/auth/principal.h"
#include "common/limit/limiter.h"
#include "common/rpc/method.h"
#include "common/rpc/trace.h"

namespace alma::rpc {

inline constexpr char kRequestId[] = "x-request-id";
// Trailer of a RESOURCE_EXHAUSTED that carries RetryInfo: the same in whole milliseconds, which
// gRPC's own retries obey.
inline constexpr char kRetryPushback[] = "grpc-retry-pushback-ms";

// How long a client whose key has ended may take for the message that is being written to it.
inline constexpr absl::Duration kTimeToTake = absl::Seconds(1);

// What is known and said of one call, unary or stream: who makes it, until when, under which
// request id, and how it ended. Not thread-safe.
class CallRecord {
 public:
  // The deadline is that of the client, or else `default_deadline` from now.
  CallRecord(const Method& method, Runtime& runtime, grpc::CallbackServerContext& context,
             absl::Duration default_deadline);

  // Finds out who calls, whether within the limits, and whether the key's scope is enough; may
  // block. Called again, whether caller and scope still hold: a call counts once. DEADLINE_EXCEEDED
  // or absl::CancelledError when nobody waits for the answer any more; UNAUTHENTICATED,
  // PERMISSION_DENIED and UNAVAILABLE as Callers and CheckScope say; RESOURCE_EXHAUSTED.
  absl::Status Admit();

  // The same where it need not block for that, else nullopt.
  std::optional<absl::Status> TryAdmit();

  // What Admit, called again, would say as far as that is known without blocking.
  absl::Status CheckKnown();

  // The organization of an admitted caller who may change something by this method (scopes that
  // end in .write or .admin); else empty.
  std::string_view Writer() const;

  // Whether somebody waits for the answer: OK, or what Admit says where nobody does. Thread-safe.
  absl::Status CheckAwaited() const;

  // Watches over the call from now on, after it was admitted; see Callers::Watch.
  std::unique_ptr<auth::KeyWatch> WatchKey(const auth::KeyWatches::OnChecked& on_checked) const;

  // Empty before the first Admit that found out. Until the next one: each finds out anew.
  const auth::v1::Principal& caller() const {
    return caller_ != nullptr ? *caller_ : auth::v1::Principal::default_instance();
  }
  absl::Time deadline() const { return deadline_; }
  const std::string& request_id() const { return request_id_; }
  const Trace& trace() const { return trace_; }

  // What `body`, a function that returns absl::Status, answers; INTERNAL where it throws.
  template <typename Body>
  absl::Status Guard(Body body) const {
    try {
      return body();
    } catch (...) {
      return Thrown();
    }
  }

  // Before the first message of an answer.
  void SendInitialMetadata();

  // Ends the call from this side, whatever is under way: what waits for the client fails, and the
  // client sees CANCELLED. Thread-safe.
  void Abort() { context_.TryCancel(); }

  // What the call ends with; writes its log line, counts it, and gives its place among the
  // organization's calls back. Once. absl::CancelledError stands for a client that has gone.
  grpc::Status Close(const absl::Status& status);

  // The same for a status that another process has made. `reason` is for the log.
  void CloseWith(const grpc::Status& status, std::string_view reason = {});

 private:
  absl::Status AdmitCaller(absl::StatusOr<auth::SharedPrincipal> caller);
  absl::Status CheckLimits();
  absl::Status Thrown() const;
  void PushBack(std::optional<absl::Duration> retry_delay);

  const Method& method_;
  Runtime& runtime_;
  grpc::CallbackServerContext& context_;
  const absl::Time begun_;
  const absl::Time deadline_;
  const std::string request_id_;
  const Trace trace_;
  // Null before it is known.
  auth::SharedPrincipal caller_;
  limit::Limiter::Slot slot_;
  bool admitted_ = false;
};

}  // namespace alma::rpc
