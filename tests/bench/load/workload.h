#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/load/connection.h"

namespace alma::bench {

// What tests/bench/bulk.py put into the database, and which calls to make on it.
struct WorkloadOptions {
  // Kinds of calls with their weights, "create:5,get:3": create, bad (a create in a conversation
  // that does not exist, which is found out in the transaction that it shares with others), batch,
  // get, list, conversations (ListConversations).
  std::string calls = "create";
  // Organization of the calls; with organizations > 1, that many in turn, NthUuid(0, i).
  std::string organization;
  int64_t organizations = 1;
  // Conversations are NthUuid(1, i) and messages NthUuid(2, i), each as likely as any other.
  int64_t conversations = 1;
  int64_t messages = 1;
  int page_size = 50;
  int batch_size = 1000;
  // "Bearer …", several in turn; none: then principals are signed with this file's first secret.
  std::vector<std::string> authorizations;
  std::string principal_secret_file;
};

// The uuid of row `n`: kinds are 0 for organizations, 1 for conversations, 2 for messages.
std::string NthUuid(int kind, int64_t n);

// Makes requests from bytes that were encoded once, in which only uuids change. Not thread-safe.
class Workload {
 public:
  // INVALID_ARGUMENT where the options make no sense; errors of LoadSecretFile.
  static absl::StatusOr<Workload> Create(const WorkloadOptions& options);

  // The next call. What it views lives as long as this object.
  Request Next();

  // Follows the list that Next asks for to its page `page`, which is what Next asks for from then
  // on. `call` makes a call and returns the answer's bytes. OUT_OF_RANGE where the list is shorter.
  absl::Status GoToPage(int page, const std::function<absl::StatusOr<std::string>(Request)>& call);

 private:
  enum class Kind { kCreate, kBad, kBatch, kGet, kList, kConversations };

  explicit Workload(const WorkloadOptions& options) : options_(options) {}
  absl::Status ReadKinds();
  absl::Status MakeCredentials();
  std::string Message(Kind kind);
  std::string Item(const std::string& conversation);
  std::string AnyConversation();
  int64_t Below(int64_t limit);

  WorkloadOptions options_;
  std::vector<std::pair<Kind, int>> kinds_;
  int weights_ = 0;
  std::string_view credential_;
  std::vector<std::string> credential_values_;
  size_t next_credential_ = 0;
  std::mt19937_64 random_{1};
  std::string item_;
  size_t item_uuid_at_ = 0;
  size_t item_conversation_at_ = 0;
  std::string fixed_;
};

}  // namespace alma::bench
