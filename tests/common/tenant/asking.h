#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/blocking_counter.h"
#include "common/tenant/gets.h"
#include "tests/common/tenant/together.h"

// Gets of many callers that share a read, for the tests of common/tenant.
namespace alma::tenant {

struct Asked {
  std::string key;
  std::function<rpc::Call()> call = testing::Us;
  std::function<absl::Status()> check_admitted = [] { return absl::OkStatus(); };
};

std::vector<Asked> AllOf(const std::vector<std::string>& keys);

// Asks for notes without waiting for one after the other, and keeps their answers.
class Asking {
 public:
  Asking(Gets<Message>& gets, const std::vector<Asked>& asked);
  ~Asking() { Wait(); }

  bool AllAnswered() const { return open_ == 0; }

  // Once all are there: in the order of the gets.
  const std::vector<Answer>& Wait();

 private:
  std::vector<Answer> answers_;
  std::atomic<int> open_;
  absl::BlockingCounter unanswered_;
  bool waited_ = false;
};

// Notes 0 to `count` - 1, those of `call`.
std::vector<Message> Fill(Store<Message>& notes, const rpc::Call& call, int count,
                          const std::string& content = "hello");

// The answers when all gets wait for the only worker, so that they are read together.
std::vector<Answer> AskTogether(Store<Message>& notes, const std::vector<Asked>& asked);

}  // namespace alma::tenant
