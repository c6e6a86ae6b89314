#include "tests/common/tenant/together.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/db/revision.h"

namespace alma::tenant {
namespace {

// Writes nothing, and keeps its lane busy with that until GoOn.
class Busy final : public db::BatchWriter {
 public:
  explicit Busy(db::Database& database) {
    std::unique_ptr<db::QueuedWrite> write = std::make_unique<Queued>(*this);
    REQUIRE(database.Submit(write));
    begun_.WaitForNotification();
  }

  void GoOn() { go_on_.Notify(); }

  absl::StatusOr<bool> Write(db::Session&, const std::string&,
                             absl::Span<db::QueuedWrite* const>) override {
    begun_.Notify();
    go_on_.WaitForNotification();
    return false;
  }

 private:
  struct Queued final : db::QueuedWrite {
    explicit Queued(Busy& busy)
        : QueuedWrite(busy, testing::kOurs, absl::Now() + absl::Seconds(30), 1) {}
    absl::Status CheckAwaited() const override { return absl::OkStatus(); }
    void Finish(const absl::Status&) override {}
  };

  absl::Notification begun_;
  absl::Notification go_on_;
};

}  // namespace

absl::Status WhileLocked(db::Database& database, std::string_view organization,
                         const std::function<void()>& meanwhile) {
  return database.Write(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
    absl::Status locked = db::TakeRevisions(session, organization, 0).status();
    if (locked.ok()) meanwhile();
    session.Discard();
    return locked;
  });
}

std::vector<Wanted> AllOf(const std::vector<Message>& notes) {
  std::vector<Wanted> all;
  all.reserve(notes.size());
  for (const Message& note : notes) all.push_back({note});
  return all;
}

InFlight::~InFlight() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &InFlight::Complete));
}

void InFlight::Create(const Wanted& wanted) {
  size_t place = 0;
  {
    absl::MutexLock lock(&mutex_);
    place = answers_.size();
    answers_.emplace_back(absl::UnknownError("not answered"));
  }
  const auto answer = [this, place](Answer given) {
    absl::MutexLock lock(&mutex_);
    answers_[place] = std::move(given);
    order_.push_back(place);
  };
  const absl::Status taken =
      notes_.Create(wanted.call(), wanted.note, {wanted.check_awaited, answer, wanted.check_known});
  if (!taken.ok()) answer(taken);
}

bool InFlight::AllAnswered() const {
  absl::MutexLock lock(&mutex_);
  return Complete();
}

bool InFlight::AnyAnswered() const {
  absl::MutexLock lock(&mutex_);
  return !order_.empty();
}

std::vector<Answer> InFlight::Answers() const {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(this, &InFlight::Complete));
  return answers_;
}

bool InFlight::EachAnsweredOnce() const {
  std::vector<size_t> sorted = Order();
  std::sort(sorted.begin(), sorted.end());
  absl::MutexLock lock(&mutex_);
  std::vector<size_t> each(answers_.size());
  std::iota(each.begin(), each.end(), size_t{0});
  return sorted == each;
}

std::vector<size_t> InFlight::Order() const {
  absl::MutexLock lock(&mutex_);
  return order_;
}

Together::Together(Stored& stored, const std::vector<Wanted>& wanted) {
  Busy busy(*stored.database);
  InFlight in_flight(stored.notes);
  for (const Wanted& one : wanted) in_flight.Create(one);
  busy.GoOn();
  answers = in_flight.Answers();
  answered_once = in_flight.EachAnsweredOnce();
}

}  // namespace alma::tenant
