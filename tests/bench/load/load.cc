#include "tests/bench/load/load.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"

namespace alma::bench {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kPatience = 10 * kSecond;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Of a call that is no part of a run.
constexpr int64_t kAlone = -1;

int64_t Now() { return Connection::Now(); }

}  // namespace

Load::Load(const LoadOptions& options)
    : options_(options),
      deadline_(options.deadline > absl::ZeroDuration() ? absl::ToInt64Nanoseconds(options.deadline)
                                                        : Request::kNoDeadline) {}

absl::StatusOr<std::unique_ptr<Load>> Load::Create(const std::string& address,
                                                   const LoadOptions& options, bool keep_answers) {
  std::unique_ptr<Load> load(new Load(options));
  for (int i = 0; i < options.connections; ++i) {
    ASSIGN_OR_RETURN(
        auto connection,
        Connection::Open(address, keep_answers,
                         [load = load.get(), i](int64_t tag, int status, std::string_view answer) {
                           load->Ended(i, tag, status, answer);
                         }));
    load->connections_.push_back(std::move(connection));
  }
  return load;
}

absl::StatusOr<std::string> Load::Call(Request request) {
  under_way_ = 1;
  connections_[0]->Submit(kAlone, std::move(request));
  const int64_t until = Now() + 3 * kPatience;
  while (under_way_ > 0) {
    if (Now() > until) return absl::UnavailableError("no answer");
    RETURN_IF_ERROR(Turn(kSecond));
  }
  if (status_ != 0) return absl::UnavailableError(absl::StrCat("gRPC status ", status_));
  return answer_;
}

absl::StatusOr<LoadResult> Load::Run(Workload& workload) {
  workload_ = &workload;
  start_ = Now();
  count_from_ = options_.calls > 0 ? start_ : start_ + absl::ToInt64Nanoseconds(options_.warmup);
  end_ = options_.calls > 0 ? kNever : count_from_ + absl::ToInt64Nanoseconds(options_.duration);
  if (options_.rate == 0) {
    for (int i = 0; i < options_.in_flight; ++i) Begin(i % connections_.size(), Now());
  }
  while (!Over(Now())) {
    int64_t wait = kSecond / 10;
    if (options_.rate > 0) {
      BeginWhatIsDue(Now());
      const double next = static_cast<double>(begun_) / options_.rate * kSecond;
      wait = std::clamp<int64_t>(start_ + static_cast<int64_t>(next) - Now(), 0, wait);
    }
    RETURN_IF_ERROR(Turn(wait));
  }
  const int64_t stopped = Now();
  if (options_.rate > 0) {
    // Those that fell due while this thread was kept waiting.
    BeginWhatIsDue(end_);
    while (under_way_ > 0 && Now() < stopped + kPatience) RETURN_IF_ERROR(Turn(kSecond / 10));
    result_.unanswered = under_way_;
  }
  result_.counted = absl::Nanoseconds(std::min(stopped, end_) - count_from_);
  return result_;
}

bool Load::Over(int64_t now) const {
  return now >= end_ || (options_.calls > 0 && result_.calls_in_all >= options_.calls);
}

bool Load::AllBegun() const { return options_.calls > 0 && begun_ >= options_.calls; }

void Load::BeginWhatIsDue(int64_t now) {
  while (true) {
    const int64_t due =
        start_ + static_cast<int64_t>(static_cast<double>(begun_) / options_.rate * kSecond);
    if (due > now || due >= end_ || AllBegun()) return;
    Begin(begun_ % connections_.size(), due);
  }
}

void Load::Begin(size_t connection, int64_t due) {
  if (AllBegun()) return;
  if (free_.empty()) {
    free_.push_back(static_cast<int64_t>(due_.size()));
    due_.push_back(0);
  }
  const int64_t tag = free_.back();
  free_.pop_back();
  due_[tag] = due;
  ++begun_;
  ++under_way_;
  Request request = workload_->Next();
  if (deadline_ != Request::kNoDeadline) request.deadline = due + deadline_;
  connections_[connection]->Submit(tag, std::move(request));
}

void Load::Ended(size_t connection, int64_t tag, int status, std::string_view answer) {
  --under_way_;
  if (tag == kAlone) {
    answer_ = answer;
    status_ = status;
    return;
  }
  const int64_t now = Now();
  const int64_t due = due_[tag];
  free_.push_back(tag);
  ++result_.calls_in_all;
  const bool late = now - due > deadline_;
  if (status == 0 && !late && now >= count_from_ && now < end_) ++result_.answered_meanwhile;
  const int64_t at = options_.rate > 0 ? due : now;
  if (at >= count_from_ && at < end_) {
    if (status != 0) {
      ++result_.errors[status];
    } else if (late) {
      ++result_.late;
    } else {
      ++result_.calls;
      result_.latency.Record(now - due);
    }
  }
  if (options_.rate == 0 && now < end_) Begin(connection, now);
}

absl::Status Load::Turn(int64_t wait) {
  std::vector<pollfd> polled;
  polled.reserve(connections_.size());
  for (const auto& connection : connections_) {
    RETURN_IF_ERROR(connection->Flush());
    const int events = connection->wants_to_write() ? POLLIN | POLLOUT : POLLIN;
    polled.push_back({connection->fd(), static_cast<int16_t>(events), 0});
  }
  const timespec timeout{wait / kSecond, wait % kSecond};
  if (ppoll(polled.data(), polled.size(), &timeout, nullptr) < 0 && errno != EINTR) {
    return absl::ErrnoToStatus(errno, "ppoll");
  }
  for (size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents != 0) RETURN_IF_ERROR(connections_[i]->Read());
  }
  return absl::OkStatus();
}

}  // namespace alma::bench
