#include "services/gateway/key_store.h"

#include <algorithm>

#include <grpcpp/client_context.h>

#include "absl/time/clock.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "common/log/log.h"
#include "common/rpc/caller.h"
#include "common/status/status.h"

namespace alma::gateway {

using organizations::v1::ApiKeysService;
using organizations::v1::VerifyApiKeyRequest;
using organizations::v1::VerifyApiKeyResponse;

absl::StatusOr<VerifyApiKeyResponse> VerifyApiKey(Backend& organizations, Principals& principals,
                                                  const std::string& secret_sha256,
                                                  absl::Time deadline) {
  const absl::Time now = absl::Now();
  grpc::ClientContext context;
  context.AddMetadata(rpc::kPrincipal, principals.ForGateway(now));
  context.set_deadline(absl::ToChronoTime(std::min(deadline, now + kVerifyTimeout)));
  VerifyApiKeyRequest request;
  request.set_secret_sha256(secret_sha256);
  VerifyApiKeyResponse response;
  const Backend::Place place(organizations);
  const grpc::Status status =
      ApiKeysService::Stub(place.channel()).VerifyApiKey(&context, request, &response);
  if (status.ok()) return response;
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) return status::NotFound("API key");
  if (absl::Now() >= deadline) return status::DeadlineExceeded();
  log::Warning("keys_unavailable", {{"code", status::CodeName(status.error_code())}});
  return status::BackendUnavailable();
}

}  // namespace alma::gateway
