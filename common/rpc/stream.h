#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/call_record.h"
#include "common/rpc/method.h"

namespace alma::rpc {

// One streaming call: reads while its handler works on what was read before, and writes what the
// handler answered. Bounded both ways: it stops reading while kMaxItems items or kMaxBytes wait for
// the handler, and does not run the handler while that much waits for the client; a run that has
// answered kMaxBytes is to leave the rest to the next. Once the streams of a service hold
// kMaxBytesOfAll together, what a run works on or is queued with and what is being written
// included, it is kCrowdedBytes for each: clients that do not read cannot use up the memory, nor
// stop those that do. The handler runs on workers, one run at a time, and none is held while it
// waits; before each run the key is checked again, and between them it is watched over, so a stream
// ends soon after its key, kTimeToTake later where the client does not take what is being written.
// Where a run cannot be queued the stream ends with RESOURCE_EXHAUSTED behind the answers that
// there are; what has none was not done. All else is as in Answer.
class Stream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  static constexpr size_t kMaxItems = 1000;
  static constexpr size_t kMaxBytes = 4 * 1024 * 1024;
  static constexpr size_t kMaxBytesOfAll = 64 * 1024 * 1024;
  static constexpr size_t kCrowdedBytes = 64 * 1024;

  // `bytes_of_all` is what the streams of the service hold and outlives them.
  Stream(const Method& method, Runtime& runtime, std::atomic<size_t>& bytes_of_all,
         grpc::CallbackServerContext& context);
  ~Stream() override;

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // See StreamHandler::Wake.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_);
  // Starts all that can be started now.
  void Step() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StepRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StepWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StepWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What the call ends with where that is known without waiting: its method, its key.
  std::optional<absl::Status> RefusedAtOnce();
  // What was read, inflated.
  StreamHandler::Item TakeRead();
  // kMaxBytes or kCrowdedBytes.
  size_t BytesForEach() const;
  // Whether no more than these may wait.
  bool Full(size_t items, size_t bytes) const;
  // On a worker.
  void Work(bool ended) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<StreamHandler::Next> Handle(bool ended, std::vector<grpc::ByteBuffer>* out);
  // Says that the outbox has lost so many bytes.
  void Uncount(size_t outbox_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnKeyChecked(const absl::Status& checked) ABSL_LOCKS_EXCLUDED(mutex_);

  const Method& method_;
  Runtime& runtime_;
  std::atomic<size_t>& bytes_of_all_;
  CallRecord record_;

  absl::Mutex mutex_;
  // Used by one run of the handler at a time, without the mutex.
  std::unique_ptr<StreamHandler> handler_;
  // What the run that is queued or under way works on, and then what it has left. As handler_.
  std::vector<StreamHandler::Item> batch_;
  std::vector<StreamHandler::Item> inbox_ ABSL_GUARDED_BY(mutex_);
  size_t inbox_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of batch_.
  size_t run_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<grpc::ByteBuffer> outbox_ ABSL_GUARDED_BY(mutex_);
  // With what is being written.
  size_t outbox_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::ByteBuffer reading_into_;
  grpc::ByteBuffer writing_from_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool working_ ABSL_GUARDED_BY(mutex_) = false;
  bool wrote_any_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_all_ ABSL_GUARDED_BY(mutex_) = false;
  bool told_read_all_ ABSL_GUARDED_BY(mutex_) = false;
  // Whether to run though nothing has arrived. The first run comes before anything has been read:
  // it checks the key.
  bool again_ ABSL_GUARDED_BY(mutex_) = true;
  bool may_read_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  // When it was seen that the key has ended, on the clock that is not set.
  std::optional<absl::Duration> key_ended_ ABSL_GUARDED_BY(mutex_);
  // What the call ends with once everything is written.
  std::optional<absl::Status> status_ ABSL_GUARDED_BY(mutex_);
  // Made by the first run of the handler.
  std::unique_ptr<auth::KeyWatch> key_;
};

}  // namespace alma::rpc
