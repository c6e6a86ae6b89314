#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "common/db/page_token.h"
#include "common/rpc/service.h"
#include "common/rpc/worker_pool.h"
#include "common/wire/encoded.h"
#include "services/organizations/api_key_store.h"
#include "services/organizations/change_feed.h"
#include "services/organizations/store.h"

namespace alma::organizations {

// Called after every call that has changed a key or an organization, and for the caller's own after
// one that may have, before it is answered: whoever in this process remembers which keys of this
// organization are in force has to forget it. Thread-safe.
using OnChange = std::function<void(const std::string& organization_uuid)>;

// alma.organizations.v1.OrganizationsService. What it is given outlives it.
class OrganizationsService final : public rpc::Service {
 public:
  OrganizationsService(rpc::Runtime& runtime, Store& store, const db::PageTokens& page_tokens,
                       OnChange on_change);

 private:
  absl::StatusOr<v1::Organization> CreateOrganization(const rpc::Call& call,
                                                      v1::CreateOrganizationRequest& request);
  absl::StatusOr<v1::Organization> GetOrganization(const rpc::Call& call,
                                                   v1::GetOrganizationRequest& request);
  absl::StatusOr<wire::Encoded<v1::ListOrganizationsResponse>> ListOrganizations(
      const rpc::Call& call, v1::ListOrganizationsRequest& request);
  absl::StatusOr<v1::Organization> UpdateOrganization(const rpc::Call& call,
                                                      v1::UpdateOrganizationRequest& request);
  absl::StatusOr<v1::Organization> DeleteOrganization(const rpc::Call& call,
                                                      v1::DeleteOrganizationRequest& request);

  Store& store_;
  const db::PageTokens& page_tokens_;
  const OnChange on_change_;
};

// alma.organizations.v1.ApiKeysService. What it is given outlives it.
class ApiKeysService final : public rpc::Service {
 public:
  ApiKeysService(rpc::Runtime& runtime, ApiKeyStore& store, ChangeFeed& changes,
                 const db::PageTokens& page_tokens, OnChange on_change);

  void Drain() override;

 private:
  absl::StatusOr<v1::CreateApiKeyResponse> CreateApiKey(const rpc::Call& call,
                                                        v1::CreateApiKeyRequest& request);
  absl::StatusOr<v1::ApiKey> GetApiKey(const rpc::Call& call, v1::GetApiKeyRequest& request);
  absl::StatusOr<wire::Encoded<v1::ListApiKeysResponse>> ListApiKeys(
      const rpc::Call& call, v1::ListApiKeysRequest& request);
  absl::StatusOr<v1::ApiKey> UpdateApiKey(const rpc::Call& call, v1::UpdateApiKeyRequest& request);
  absl::StatusOr<v1::ApiKey> RevokeApiKey(const rpc::Call& call, v1::RevokeApiKeyRequest& request);
  absl::StatusOr<v1::RotateApiKeyResponse> RotateApiKey(const rpc::Call& call,
                                                        v1::RotateApiKeyRequest& request);
  absl::StatusOr<v1::VerifyApiKeyResponse> VerifyApiKey(const rpc::Call& call,
                                                        v1::VerifyApiKeyRequest& request);
  absl::StatusOr<std::unique_ptr<ChangeFeed::Follower>> ListKeyChanges(
      v1::ListKeyChangesRequest& request, rpc::StreamHandler::Wake wake);

  ApiKeyStore& store_;
  ChangeFeed& changes_;
  const db::PageTokens& page_tokens_;
  const OnChange on_change_;
  // Gateways are told of a revocation also while calls have used up the workers.
  rpc::WorkerPool followers_;
};

}  // namespace alma::organizations
