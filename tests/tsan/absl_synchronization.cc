#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

// Abseil's locks on std::mutex, for the binaries that ThreadSanitizer watches. Debian's library is
// not instrumented and parks threads by futexes, so that ThreadSanitizer would see no order between
// them and call every guarded access a race. What is defined in a program takes the place of what
// a shared library defines, for the library's own calls too. See docs/decisions/0026-sanitizers.md.
namespace absl {
namespace {

struct Lockable {
  std::mutex mutex;
  // A state that conditions look at may have changed.
  std::condition_variable changed;
};

// absl keeps the word of a lock as an integer.
Lockable* At(intptr_t word) {
  return reinterpret_cast<Lockable*>(word);  // NOLINT(performance-no-int-to-ptr)
}

// What stands behind a lock's only word, made at the first use.
Lockable& Of(std::atomic<intptr_t>& word) {
  intptr_t seen = word.load(std::memory_order_acquire);
  if (seen == 0) {
    auto* made = new Lockable();
    const auto value = reinterpret_cast<intptr_t>(made);
    if (word.compare_exchange_strong(seen, value, std::memory_order_acq_rel)) return *made;
    delete made;
  }
  return *At(seen);
}

// Far enough, and no overflow in the clocks behind it.
std::chrono::system_clock::time_point ToStd(Time deadline) {
  return ToChronoTime(std::min(deadline, Now() + Hours(1000)));
}

}  // namespace

Mutex::~Mutex() { delete At(mu_.load(std::memory_order_acquire)); }

void Mutex::Lock() { Of(mu_).mutex.lock(); }

bool Mutex::TryLock() { return Of(mu_).mutex.try_lock(); }

void Mutex::Unlock() {
  // Before the unlock: behind it the mutex may be gone.
  Of(mu_).changed.notify_all();
  Of(mu_).mutex.unlock();
}

// Readers keep each other out: a stricter lock hides no race between a reader and a writer.
void Mutex::ReaderLock() { Lock(); }
bool Mutex::ReaderTryLock() { return TryLock(); }
void Mutex::ReaderUnlock() { Unlock(); }
void Mutex::AssertHeld() const {}
void Mutex::AssertReaderHeld() const {}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  std::unique_lock lock(Of(mu_).mutex, std::adopt_lock);
  Of(mu_).changed.notify_all();
  const bool holds =
      Of(mu_).changed.wait_until(lock, ToStd(deadline), [&] { return condition.Eval(); });
  lock.release();
  return holds;
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  return AwaitWithDeadline(condition, Now() + timeout);
}

void Mutex::Await(const Condition& condition) { AwaitWithDeadline(condition, InfiniteFuture()); }

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  Lock();
  return AwaitWithDeadline(condition, deadline);
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  return LockWhenWithDeadline(condition, Now() + timeout);
}

void Mutex::LockWhen(const Condition& condition) {
  LockWhenWithDeadline(condition, InfiniteFuture());
}

void Mutex::ReaderLockWhen(const Condition& condition) { LockWhen(condition); }

void CondVar::Wait(Mutex* mutex) { WaitWithDeadline(mutex, InfiniteFuture()); }

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  return WaitWithDeadline(mutex, Now() + timeout);
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  Of(mutex->mu_).changed.notify_all();
  std::unique_lock lock(Of(mutex->mu_).mutex, std::adopt_lock);
  const auto status = Of(cv_).changed.wait_until(lock, ToStd(deadline));
  lock.release();
  return status == std::cv_status::timeout;
}

void CondVar::Signal() { Of(cv_).changed.notify_one(); }
void CondVar::SignalAll() { Of(cv_).changed.notify_all(); }
CondVar::~CondVar() { delete At(cv_.load(std::memory_order_acquire)); }

void Notification::Notify() {
  MutexLock lock(&mutex_);
  notified_yet_.store(true, std::memory_order_release);
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  MutexLock lock(&mutex_);
  return mutex_.AwaitWithDeadline(Condition(&HasBeenNotifiedInternal, &notified_yet_), deadline);
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  return WaitForNotificationWithDeadline(Now() + timeout);
}

void Notification::WaitForNotification() const {
  WaitForNotificationWithDeadline(InfiniteFuture());
}

bool BlockingCounter::DecrementCount() {
  if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
  MutexLock lock(&lock_);
  done_ = true;
  return true;
}

void BlockingCounter::Wait() {
  MutexLock lock(&lock_);
  lock_.Await(Condition(&done_));
}

}  // namespace absl
