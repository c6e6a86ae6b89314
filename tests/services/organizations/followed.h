#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "alma/organizations/v1/api_keys.grpc.pb.h"
#include "services/organizations/change_feed.h"
#include "services/organizations/service.h"
#include "tests/services/organizations/api_keys.h"

// What the tests of ListKeyChanges share.
namespace alma::organizations {

using ApiKeys = v1::ApiKeysService::Stub;
using Changes = std::vector<v1::ListKeyChangesResponse>;

inline const auth::v1::Principal kGateway = Caller("", {auth::kInternal});

// One call of ListKeyChanges, read as fast as answers come, cancelled in the end.
class Following {
 public:
  Following(ApiKeys& stub, int64_t after, const auth::v1::Principal& caller = kGateway,
            absl::Duration timeout = absl::Seconds(60)) {
    testing::SetCaller(context_, caller);
    context_.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    v1::ListKeyChangesRequest request;
    request.set_after_change_seq(after);
    thread_ = std::thread([this, &stub, request] { Read(stub, request); });
  }
  ~Following() {
    context_.TryCancel();
    thread_.join();
  }

  // Waits until `enough` holds for what has come so far, which it returns; the test case fails when
  // that takes more than 20 s.
  Changes Await(const std::function<bool(const Changes&)>& enough) {
    const auto holds = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return enough(changes_) || status_.has_value();
    };
    absl::MutexLock lock(&mutex_);
    const bool in_time = mutex_.AwaitWithTimeout(absl::Condition(&holds), absl::Seconds(20));
    CAPTURE(changes_.size(), status_.has_value() ? status_->error_message() : "goes on");
    REQUIRE(in_time);
    REQUIRE(enough(changes_));
    return changes_;
  }
  // The same, for a heartbeat or change that is at `change_seq` or beyond.
  Changes AwaitSeq(int64_t change_seq) {
    return Await([=](const Changes& changes) {
      return !changes.empty() && changes.back().change_seq() >= change_seq;
    });
  }

  // Waits for the end of the call.
  grpc::Status Ended() {
    const auto ended = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return status_.has_value(); };
    absl::MutexLock lock(&mutex_);
    REQUIRE(mutex_.AwaitWithTimeout(absl::Condition(&ended), absl::Seconds(20)));
    return *status_;
  }

 private:
  void Read(ApiKeys& stub, const v1::ListKeyChangesRequest& request) {
    const auto reader = stub.ListKeyChanges(&context_, request);
    v1::ListKeyChangesResponse change;
    while (reader->Read(&change)) {
      absl::MutexLock lock(&mutex_);
      changes_.push_back(change);
    }
    const grpc::Status status = reader->Finish();
    absl::MutexLock lock(&mutex_);
    status_ = status;
  }

  grpc::ClientContext context_;
  absl::Mutex mutex_;
  Changes changes_ ABSL_GUARDED_BY(mutex_);
  std::optional<grpc::Status> status_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// ApiKeysService as one process of several on a database has it.
struct Followed {
  explicit Followed(db::Database& database)
      : key_uses(database), api_keys(database, key_uses), changes(database) {}

  testing::TestRuntime runtime;
  KeyUses key_uses;
  ApiKeyStore api_keys;
  ChangeFeed changes;
  const db::PageTokens page_tokens{auth::Secrets{{std::string(32, 's')}}};
  ApiKeysService service{*runtime, api_keys, changes, page_tokens,
                         [this](const std::string&) { changes.Look(); }};
  testing::InProcessServer server{{&service}};
  const std::unique_ptr<ApiKeys> stub = v1::ApiKeysService::NewStub(server.channel());
};

inline bool IsHeartbeat(const v1::ListKeyChangesResponse& change) {
  return change.change_case() == v1::ListKeyChangesResponse::CHANGE_NOT_SET;
}

}  // namespace alma::organizations
