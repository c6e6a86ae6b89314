#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "common/auth/api_key.h"

namespace alma::gateway {

using organizations::v1::ApiKey;
using organizations::v1::ApiKeysService;
using organizations::v1::ListKeyChangesRequest;
using organizations::v1::ListKeyChangesResponse;
using organizations::v1::RevokeApiKeyRequest;
using organizations::v1::VerifyApiKeyRequest;
using organizations::v1::VerifyApiKeyResponse;

inline constexpr char kOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
inline constexpr char kOtherOrganization[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ff";

using Metadata = std::multimap<std::string, std::string>;

inline Metadata Copy(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  Metadata copy;
  for (const auto& [key, value] : metadata) {
    copy.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
  }
  return copy;
}

// The key store behind a gateway: what it answers and what it has been asked. It tells of its
// changes as a real one does, unless the test says otherwise. Thread-safe.
class ScriptedKeys final : public ApiKeysService::Service {
 public:
  using Feed = grpc::ServerWriter<ListKeyChangesResponse>;

  // A new key with these scopes.
  std::string Add(const std::vector<std::string>& scopes,
                  const std::string& organization = kOrganization) ABSL_LOCKS_EXCLUDED(mutex_) {
    const std::string key = auth::NewApiKey();
    const auto hash = auth::Sha256(key);
    VerifyApiKeyResponse response;
    response.set_organization_uuid(organization);
    response.set_api_key_uuid("0190f3a2-7c1e-7b4d-8f00-0123456789ac");
    for (const std::string& scope : scopes) response.add_scopes(scope);
    absl::MutexLock lock(&mutex_);
    ++change_seq_;
    keys_[std::string(hash.begin(), hash.end())] = response;
    return key;
  }
  // Revokes all keys.
  void Revoke() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    for (const auto& [hash, key] : keys_) {
      ListKeyChangesResponse& change = changes_[++change_seq_];
      change.set_change_seq(change_seq_);
      change.mutable_key()->set_secret_sha256(hash);
      change.mutable_key()->set_state(organizations::v1::KEY_STATE_REVOKED);
    }
    keys_.clear();
  }
  // Whether look-ups of keys and changes are held back, as by a process that hangs.
  std::atomic<bool> hangs = false;
  // Whether only changes are.
  std::atomic<bool> silent = false;
  // Whether look-ups are held back once their answers have been read, and how many are.
  std::atomic<bool> holds_answers = false;
  std::atomic<int> held = 0;
  // How long a look-up takes.
  std::atomic<int> delay_millis = 0;
  // What RevokeApiKey, which revokes all keys, ends with.
  grpc::Status revoke_status;

  // The metadata of each look-up.
  std::vector<Metadata> asked() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return asked_;
  }

  grpc::Status RevokeApiKey(grpc::ServerContext*, const RevokeApiKeyRequest*,
                            ApiKey* answer) override {
    if (!revoke_status.ok()) return revoke_status;
    Revoke();
    answer->set_organization_uuid(kOrganization);
    return grpc::Status::OK;
  }

  grpc::Status VerifyApiKey(grpc::ServerContext* context, const VerifyApiKeyRequest* request,
                            VerifyApiKeyResponse* response) override ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      asked_.push_back(Copy(context->client_metadata()));
    }
    absl::SleepFor(absl::Milliseconds(delay_millis.load()));
    while (hangs && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(10));
    const grpc::Status answer = Read(request->secret_sha256(), response);
    if (holds_answers) ++held;
    while (holds_answers && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(1));
    return answer;
  }

  grpc::Status ListKeyChanges(grpc::ServerContext* context, const ListKeyChangesRequest* request,
                              Feed* feed) override ABSL_LOCKS_EXCLUDED(mutex_) {
    int64_t sent = request->after_change_seq() < 0 ? change_seq() : request->after_change_seq();
    absl::Time heartbeat = absl::InfinitePast();
    for (; !context->IsCancelled(); absl::SleepFor(absl::Milliseconds(5))) {
      if (hangs || silent) continue;
      for (const ListKeyChangesResponse& change : Behind(sent)) feed->Write(change);
      if (change_seq() == sent && absl::Now() < heartbeat) continue;
      sent = change_seq();
      ListKeyChangesResponse response;
      response.set_change_seq(sent);
      feed->Write(response);
      heartbeat = absl::Now() + absl::Milliseconds(500);
    }
    return grpc::Status::OK;
  }

 private:
  grpc::Status Read(const std::string& secret_sha256, VerifyApiKeyResponse* response) const
      ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto key = keys_.find(secret_sha256);
    if (key == keys_.end()) return {grpc::StatusCode::NOT_FOUND, "no such key"};
    *response = key->second;
    response->set_change_seq(change_seq_);
    return grpc::Status::OK;
  }
  int64_t change_seq() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return change_seq_;
  }
  std::vector<ListKeyChangesResponse> Behind(int64_t change_seq) const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    std::vector<ListKeyChangesResponse> changes;
    for (auto it = changes_.upper_bound(change_seq); it != changes_.end(); ++it) {
      changes.push_back(it->second);
    }
    return changes;
  }

  mutable absl::Mutex mutex_;
  std::map<std::string, VerifyApiKeyResponse> keys_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, ListKeyChangesResponse> changes_ ABSL_GUARDED_BY(mutex_);
  int64_t change_seq_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<Metadata> asked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alma::gateway
