#include "common/rpc/stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "common/limit/clock.h"
#include "common/rpc/inflate.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace alma::rpc {
namespace {

// What it holds is what it counts for.
size_t BytesOf(const StreamHandler::Item& item) { return item.ok() ? item->Length() : 0; }

}  // namespace

Stream::Stream(const Method& method, Runtime& runtime, std::atomic<size_t>& bytes_of_all,
               grpc::CallbackServerContext& context)
    : method_(method),
      runtime_(runtime),
      bytes_of_all_(bytes_of_all),
      record_(method, runtime, context, absl::InfiniteDuration()) {
  absl::MutexLock lock(&mutex_);
  status_ = RefusedAtOnce();
  if (!status_.has_value()) handler_ = method.new_stream([this] { Wake(); });
  Step();
}

Stream::~Stream() {
  // While all that these two call is still there.
  key_.reset();
  handler_.reset();
  bytes_of_all_ -= inbox_bytes_ + run_bytes_ + outbox_bytes_;
}

std::optional<absl::Status> Stream::RefusedAtOnce() {
  if (!Exists(method_, runtime_)) return status::MethodUnimplemented();
  std::optional<absl::Status> admitted = record_.TryAdmit();
  return admitted.has_value() && admitted->ok() ? std::nullopt : admitted;
}

StreamHandler::Item Stream::TakeRead() {
  grpc::ByteBuffer given;
  given.Swap(&reading_into_);
  grpc::ByteBuffer plain;
  ASSIGN_OR_RETURN(const bool compressed, Inflate(given, &plain));
  return compressed ? plain : given;
}

void Stream::OnReadDone(bool ok) {
  // Without the mutex, which others need while this inflates.
  StreamHandler::Item item = ok ? TakeRead() : StreamHandler::Item();
  absl::MutexLock lock(&mutex_);
  reading_ = false;
  read_all_ = !ok;
  if (ok) {
    const size_t bytes = BytesOf(item);
    inbox_bytes_ += bytes;
    bytes_of_all_ += bytes;
    inbox_.push_back(std::move(item));
  }
  Step();
}

void Stream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  Uncount(writing_from_.Length());
  writing_from_.Clear();
  if (!ok) cancelled_ = true;
  Step();
}

void Stream::OnCancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
  Step();
}

void Stream::Wake() {
  absl::MutexLock lock(&mutex_);
  again_ = true;
  Step();
}

void Stream::OnDone() {
  // A worker may be on its way out of the Step that finished the call.
  { absl::MutexLock lock(&mutex_); }
  delete this;
}

void Stream::Step() {
  if (finished_) return;
  StepWork();
  StepRead();
  StepWrite();
  if (working_ || writing_ || !(cancelled_ || (status_.has_value() && outbox_.empty()))) return;
  finished_ = true;
  const absl::Status status = cancelled_ ? absl::CancelledError() : *status_;
  if (status.ok() && !wrote_any_) record_.SendInitialMetadata();
  Finish(record_.Close(status));
}

size_t Stream::BytesForEach() const {
  return bytes_of_all_ >= kMaxBytesOfAll ? kCrowdedBytes : kMaxBytes;
}

bool Stream::Full(size_t items, size_t bytes) const {
  return items >= kMaxItems || bytes >= BytesForEach();
}

void Stream::StepRead() {
  // An item may be much larger than what is left for each.
  const bool crowded = bytes_of_all_ >= kMaxBytesOfAll && inbox_bytes_ + run_bytes_ > 0;
  const bool full = crowded || Full(inbox_.size(), inbox_bytes_);
  if (!may_read_ || reading_ || read_all_ || full || cancelled_ || status_.has_value()) return;
  reading_ = true;
  StartRead(&reading_into_);
}

void Stream::StepWrite() {
  if (writing_ || cancelled_ || outbox_.empty()) return;
  if (!std::exchange(wrote_any_, true)) record_.SendInitialMetadata();
  writing_from_ = outbox_.front();
  outbox_.pop_front();
  writing_ = true;
  StartWrite(&writing_from_);
}

void Stream::StepWork() {
  if (working_ || cancelled_ || status_.has_value()) return;
  const bool input = !batch_.empty() || !inbox_.empty() || (read_all_ && !told_read_all_);
  if (!(input || again_) || Full(outbox_.size(), outbox_bytes_)) return;
  working_ = true;
  again_ = false;
  if (batch_.empty()) {
    batch_.swap(inbox_);
    run_bytes_ = std::exchange(inbox_bytes_, 0);
  }
  told_read_all_ = read_all_ && inbox_.empty();
  auto run = [this, ended = told_read_all_] { Work(ended); };
  WorkerPool& workers = method_.workers != nullptr ? *method_.workers : runtime_.workers;
  if (workers.Submit(std::move(run), record_.deadline(), record_.Writer())) return;
  working_ = false;
  batch_.clear();
  bytes_of_all_ -= std::exchange(run_bytes_, 0);
  status_ = status::Overloaded(workers.RetryAfter(record_.Writer()));
}

void Stream::Work(bool ended) {
  std::vector<grpc::ByteBuffer> out;
  StreamHandler::Next next = StreamHandler::Next::kEnd;
  const absl::Status done = record_.Guard([&]() -> absl::Status {
    ASSIGN_OR_RETURN(next, Handle(ended, &out));
    return absl::OkStatus();
  });
  absl::MutexLock lock(&mutex_);
  working_ = false;
  size_t left = 0;
  for (const StreamHandler::Item& item : batch_) left += BytesOf(item);
  bytes_of_all_ -= std::exchange(run_bytes_, left) - left;
  may_read_ = true;
  // What has been refused meanwhile gets no answer.
  if (status_.has_value()) return Step();
  // It may also have been woken during the run.
  again_ |= next == StreamHandler::Next::kAgain;
  size_t bytes = 0;
  for (grpc::ByteBuffer& message : out) bytes += message.Length();
  outbox_bytes_ += bytes;
  bytes_of_all_ += bytes;
  std::move(out.begin(), out.end(), std::back_inserter(outbox_));
  if (!done.ok() || next == StreamHandler::Next::kEnd) status_ = done;
  Step();
}

absl::StatusOr<StreamHandler::Next> Stream::Handle(bool ended, std::vector<grpc::ByteBuffer>* out) {
  RETURN_IF_ERROR(record_.Admit());
  if (key_ == nullptr) {
    key_ = record_.WatchKey([this](const absl::Status& checked) { OnKeyChecked(checked); });
  }
  const absl::Time deadline = std::min(record_.deadline(), absl::Now() + runtime_.default_deadline);
  return handler_->Work(Call{record_.caller(), deadline, BytesForEach()}, batch_, ended, out);
}

void Stream::Uncount(size_t outbox_bytes) {
  outbox_bytes_ -= outbox_bytes;
  bytes_of_all_ -= outbox_bytes;
}

void Stream::OnKeyChecked(const absl::Status& checked) {
  const absl::Duration now = limit::MonotonicNow();
  absl::MutexLock lock(&mutex_);
  if (checked.ok() || finished_) return;
  if (!key_ended_.has_value()) key_ended_ = now;
  if (writing_ && now - *key_ended_ >= kTimeToTake) record_.Abort();
  if (status_.has_value()) return;
  status_ = checked;
  for (const grpc::ByteBuffer& message : outbox_) Uncount(message.Length());
  outbox_.clear();
  Step();
}

}  // namespace alma::rpc
