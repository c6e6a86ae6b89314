#include "services/organizations/service.h"

#include <utility>

#include "common/db/list_page.h"
#include "common/status/macros.h"
#include "common/status/uncertain.h"
#include "common/text/timestamp.h"
#include "services/organizations/validate.h"

namespace alma::organizations {
namespace {

// A thread that reads what a follower has missed does not keep the others waiting.
constexpr int kFollowerThreads = 2;
// More of them would be gateways by the thousand.
constexpr size_t kMaxWaitingFollowers = 1024;

const google::protobuf::ServiceDescriptor& Descriptor(const google::protobuf::FileDescriptor& file,
                                                      const char* name) {
  return *file.FindServiceByName(name);
}

const std::string& OrganizationOf(const v1::Organization& organization) {
  return organization.uuid();
}
const std::string& OrganizationOf(const v1::ApiKey& key) { return key.organization_uuid(); }
// CreateApiKeyResponse and RotateApiKeyResponse.
template <typename Answer>
const std::string& OrganizationOf(const Answer& answer) {
  return OrganizationOf(answer.api_key());
}

// What is refused has changed nothing, and no caller may cost another organization what is
// remembered of its keys: where an administrator of the platform may have changed another's, what
// is remembered of them soon ends by itself.
template <typename Answer>
absl::StatusOr<Answer> AfterChange(const OnChange& on_change, const rpc::Call& call,
                                   absl::StatusOr<Answer> result) {
  if (result.ok()) {
    on_change(OrganizationOf(*result));
  } else if (status::IsUncertain(result.status().code())) {
    on_change(call.organization());
  }
  return result;
}

}  // namespace

OrganizationsService::OrganizationsService(rpc::Runtime& runtime, Store& store,
                                           const db::PageTokens& page_tokens, OnChange on_change)
    : Service(Descriptor(*v1::Organization::descriptor()->file(), "OrganizationsService"), runtime),
      store_(store),
      page_tokens_(page_tokens),
      on_change_(std::move(on_change)) {
  Handle("CreateOrganization", &OrganizationsService::CreateOrganization);
  Handle("GetOrganization", &OrganizationsService::GetOrganization);
  Handle("ListOrganizations", &OrganizationsService::ListOrganizations);
  Handle("UpdateOrganization", &OrganizationsService::UpdateOrganization);
  Handle("DeleteOrganization", &OrganizationsService::DeleteOrganization);
}

absl::StatusOr<v1::Organization> OrganizationsService::CreateOrganization(
    const rpc::Call& call, v1::CreateOrganizationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return AfterChange(on_change_, call, store_.Create(call, request.organization()));
}

absl::StatusOr<v1::Organization> OrganizationsService::GetOrganization(
    const rpc::Call& call, v1::GetOrganizationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Get(call, request.uuid());
}

absl::StatusOr<wire::Encoded<v1::ListOrganizationsResponse>>
OrganizationsService::ListOrganizations(const rpc::Call& call,
                                        v1::ListOrganizationsRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::Organization> OrganizationsService::UpdateOrganization(
    const rpc::Call& call, v1::UpdateOrganizationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return AfterChange(on_change_, call, store_.Update(call, request));
}

absl::StatusOr<v1::Organization> OrganizationsService::DeleteOrganization(
    const rpc::Call& call, v1::DeleteOrganizationRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return AfterChange(on_change_, call, store_.Delete(call, request));
}

ApiKeysService::ApiKeysService(rpc::Runtime& runtime, ApiKeyStore& store, ChangeFeed& changes,
                               const db::PageTokens& page_tokens, OnChange on_change)
    : Service(Descriptor(*v1::ApiKey::descriptor()->file(), "ApiKeysService"), runtime),
      store_(store),
      changes_(changes),
      page_tokens_(page_tokens),
      on_change_(std::move(on_change)),
      followers_(kFollowerThreads, kMaxWaitingFollowers) {
  Handle("CreateApiKey", &ApiKeysService::CreateApiKey);
  Handle("GetApiKey", &ApiKeysService::GetApiKey);
  Handle("ListApiKeys", &ApiKeysService::ListApiKeys);
  Handle("UpdateApiKey", &ApiKeysService::UpdateApiKey);
  Handle("RevokeApiKey", &ApiKeysService::RevokeApiKey);
  Handle("RotateApiKey", &ApiKeysService::RotateApiKey);
  Handle("VerifyApiKey", &ApiKeysService::VerifyApiKey);
  HandleFollowers("ListKeyChanges", &ApiKeysService::ListKeyChanges, followers_);
}

void ApiKeysService::Drain() { changes_.Close(); }

absl::StatusOr<v1::CreateApiKeyResponse> ApiKeysService::CreateApiKey(
    const rpc::Call& call, v1::CreateApiKeyRequest& request) {
  RETURN_IF_ERROR(Validate(request, text::Now()));
  return AfterChange(on_change_, call, store_.Create(call, request.api_key()));
}

absl::StatusOr<v1::ApiKey> ApiKeysService::GetApiKey(const rpc::Call& call,
                                                     v1::GetApiKeyRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Get(call, request.uuid());
}

absl::StatusOr<wire::Encoded<v1::ListApiKeysResponse>> ApiKeysService::ListApiKeys(
    const rpc::Call& call, v1::ListApiKeysRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return db::AnswerList(page_tokens_, request, call.organization(), [&](const db::Position& after) {
    return store_.List(call, request, after);
  });
}

absl::StatusOr<v1::ApiKey> ApiKeysService::UpdateApiKey(const rpc::Call& call,
                                                        v1::UpdateApiKeyRequest& request) {
  RETURN_IF_ERROR(Validate(request, text::Now()));
  return AfterChange(on_change_, call, store_.Update(call, request));
}

absl::StatusOr<v1::ApiKey> ApiKeysService::RevokeApiKey(const rpc::Call& call,
                                                        v1::RevokeApiKeyRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return AfterChange(on_change_, call, store_.Revoke(call, request.uuid()));
}

absl::StatusOr<v1::RotateApiKeyResponse> ApiKeysService::RotateApiKey(
    const rpc::Call& call, v1::RotateApiKeyRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return AfterChange(on_change_, call, store_.Rotate(call, request));
}

absl::StatusOr<v1::VerifyApiKeyResponse> ApiKeysService::VerifyApiKey(
    const rpc::Call& call, v1::VerifyApiKeyRequest& request) {
  RETURN_IF_ERROR(Validate(request));
  return store_.Verify(request.secret_sha256(), call.deadline);
}

absl::StatusOr<std::unique_ptr<ChangeFeed::Follower>> ApiKeysService::ListKeyChanges(
    v1::ListKeyChangesRequest& request, rpc::StreamHandler::Wake wake) {
  RETURN_IF_ERROR(Validate(request));
  return changes_.Follow(request.after_change_seq(), std::move(wake));
}

}  // namespace alma::organizations
