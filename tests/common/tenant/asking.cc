#include "tests/common/tenant/asking.h"

#include <utility>

#include "tests/common/rpc/busy_worker.h"

namespace alma::tenant {

using testing::NthUuid;
using testing::Ok;

std::vector<Asked> AllOf(const std::vector<std::string>& keys) {
  std::vector<Asked> all;
  all.reserve(keys.size());
  for (const std::string& key : keys) all.push_back({key});
  return all;
}

Asking::Asking(Gets<Message>& gets, const std::vector<Asked>& asked)
    : answers_(asked.size(), absl::UnknownError("not answered")),
      open_(static_cast<int>(asked.size())),
      unanswered_(static_cast<int>(asked.size())) {
  for (size_t i = 0; i < asked.size(); ++i) {
    const auto answer = [this, i](Answer given) {
      answers_[i] = std::move(given);
      --open_;
      // Ends the process where somebody is answered twice.
      unanswered_.DecrementCount();
    };
    const absl::Status taken = gets.Get(asked[i].call(), asked[i].key,
                                        {.check_awaited = [] { return absl::OkStatus(); },
                                         .finish = answer,
                                         .check_admitted = asked[i].check_admitted});
    if (!taken.ok()) answer(taken);
  }
}

const std::vector<Answer>& Asking::Wait() {
  if (!waited_) unanswered_.Wait();
  waited_ = true;
  return answers_;
}

std::vector<Message> Fill(Store<Message>& notes, const rpc::Call& call, int count,
                          const std::string& content) {
  std::vector<Message> wanted(count, NewNote(content));
  for (int i = 0; i < count; ++i) wanted[i].set_uuid(NthUuid(i));
  std::vector<Message> stored;
  stored.reserve(wanted.size());
  for (auto& result : Ok(notes.CreateEach(call, wanted))) stored.push_back(Ok(std::move(result)));
  return stored;
}

std::vector<Answer> AskTogether(Store<Message>& notes, const std::vector<Asked>& asked) {
  rpc::WorkerPool workers(1, 1000);
  Gets<Message> gets(notes, workers);
  rpc::BusyWorker busy(workers);
  Asking asking(gets, asked);
  busy.GoOn();
  return asking.Wait();
}

}  // namespace alma::tenant
