#include "services/gateway/key_store.h"

#include <algorithm>
#include <tuple>

#include <grpcpp/client_context.h>
#include <prometheus/family.h>

#include "absl/time/clock.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "common/auth/key_cache.h"
#include "common/log/log.h"
#include "common/rpc/caller.h"
#include "common/status/status.h"

namespace alma::gateway {

using organizations::v1::ApiKeysService;
using organizations::v1::VerifyApiKeyRequest;
using organizations::v1::VerifyApiKeyResponse;

namespace {

void Increment(prometheus::Counter* counter) {
  if (counter != nullptr) counter->Increment();
}

// Whether another process may do better.
bool IsUnreachable(grpc::StatusCode code) {
  return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED;
}

}  // namespace

KeyStore::KeyStore(const std::vector<std::string>& addresses, const BackendTls& tls,
                   Principals& principals)
    : principals_(principals) {
  channels_.reserve(addresses.size());
  for (const std::string& address : addresses) {
    channels_.push_back(NewChannel(TargetOf(address), tls));
    channels_.back()->GetState(/*try_to_connect=*/true);
  }
}

void KeyStore::CountIn(metrics::Calls& metrics) {
  auto& family = prometheus::BuildCounter()
                     .Name("alma_key_lookups_total")
                     .Help("API keys that were not remembered, by what the key store said of them.")
                     .Register(*metrics.registry());
  in_force_ = &family.Add({{"result", "in_force"}});
  unknown_ = &family.Add({{"result", "unknown"}});
  unavailable_ = &family.Add({{"result", "unavailable"}});
}

absl::StatusOr<VerifyApiKeyResponse> KeyStore::Verify(const std::string& secret_sha256,
                                                      absl::Time deadline) {
  absl::StatusOr<VerifyApiKeyResponse> answer =
      away_ ? status::BackendUnavailable() : Ask(secret_sha256, deadline);
  if (answer.ok()) {
    Increment(in_force_);
  } else {
    Increment(absl::IsNotFound(answer.status()) ? unknown_ : unavailable_);
  }
  return answer;
}

absl::StatusOr<VerifyApiKeyResponse> KeyStore::Ask(const std::string& secret_sha256,
                                                   absl::Time deadline) {
  const absl::Time end = std::min(deadline, absl::Now() + kTimeout);
  // A name may stand for several processes, of which the next attempt meets another one.
  const size_t attempts = std::max<size_t>(channels_.size(), 2);
  grpc::Status status;
  for (size_t i = 0; i < attempts && absl::Now() < end; ++i) {
    VerifyApiKeyResponse response;
    status = AskOne(followed_ + i, secret_sha256, end, &response);
    if (status.ok()) return response;
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) return status::NotFound("API key");
    if (!IsUnreachable(status.error_code())) break;
  }
  if (absl::Now() >= deadline) return status::DeadlineExceeded();
  const bool silent = absl::Now() > absl::FromUnixNanos(heard_at_) + kHeardWithin;
  if (silent && IsUnreachable(status.error_code())) Lost();
  return status::BackendUnavailable();
}

grpc::Status KeyStore::AskOne(size_t process, const std::string& secret_sha256, absl::Time deadline,
                              VerifyApiKeyResponse* response) {
  const absl::Time now = absl::Now();
  grpc::ClientContext context;
  context.AddMetadata(rpc::kPrincipal, principals_.ForGateway(now));
  context.set_deadline(absl::ToChronoTime(std::min(deadline, now + kAttemptTimeout)));
  VerifyApiKeyRequest request;
  request.set_secret_sha256(secret_sha256);
  return ApiKeysService::Stub(channel(process)).VerifyApiKey(&context, request, response);
}

bool KeyStore::Answers(size_t process) {
  // No key has this hash.
  const std::string nothing(std::tuple_size_v<auth::KeyHash>, '\0');
  VerifyApiKeyResponse response;
  return !IsUnreachable(AskOne(process, nothing, absl::InfiniteFuture(), &response).error_code());
}

void KeyStore::Reached(size_t process) {
  heard_at_ = absl::ToUnixNanos(absl::Now());
  followed_ = process;
  if (away_.exchange(false)) log::Info("keys_available", {});
}

void KeyStore::Lost() {
  if (!away_.exchange(true)) log::Warning("keys_unavailable", {});
}

}  // namespace alma::gateway
