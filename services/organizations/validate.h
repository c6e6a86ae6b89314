#pragma once

#include "absl/status/status.h"
#include "alma/organizations/v1/api_keys.pb.h"
#include "alma/organizations/v1/organizations.pb.h"
#include "google/protobuf/timestamp.pb.h"

// Pure functions that say whether a request can be carried out at all: INVALID_ARGUMENT with every
// violated field otherwise. They bring the request into the one form that the stores expect, in
// place: uuids in lower case, scopes in lexical order, times in microseconds, update masks
// resolved, page sizes and graces filled in.
namespace alma::organizations {

absl::Status Validate(v1::CreateOrganizationRequest& request);
absl::Status Validate(v1::GetOrganizationRequest& request);
absl::Status Validate(v1::ListOrganizationsRequest& request);
absl::Status Validate(v1::UpdateOrganizationRequest& request);
absl::Status Validate(v1::DeleteOrganizationRequest& request);

absl::Status Validate(v1::CreateApiKeyRequest& request, const google::protobuf::Timestamp& now);
absl::Status Validate(v1::GetApiKeyRequest& request);
absl::Status Validate(v1::ListApiKeysRequest& request);
absl::Status Validate(v1::UpdateApiKeyRequest& request, const google::protobuf::Timestamp& now);
absl::Status Validate(v1::RevokeApiKeyRequest& request);
absl::Status Validate(v1::RotateApiKeyRequest& request);
absl::Status Validate(v1::VerifyApiKeyRequest& request);
absl::Status Validate(v1::ListKeyChangesRequest& request);

}  // namespace alma::organizations
