#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/db/lane.h"
#include "common/db/session.h"

namespace alma::db {

class QueuedWrite;

// Writes the rows of a table together.
class BatchWriter {
 public:
  virtual ~BatchWriter() = default;

  // Writes `writes`, which are of this writer and of one organization, in their order, and leaves
  // in each what came of it; whether anything was stored. A status that is not OK fails the
  // transaction, and with it the others in it. May be called again for the same writes.
  virtual absl::StatusOr<bool> Write(Session& session, const std::string& organization,
                                     absl::Span<QueuedWrite* const> writes) = 0;
};

// A write that waits for its round.
class QueuedWrite {
 public:
  // `bytes` is about what it holds. The writer lives until Finish.
  QueuedWrite(BatchWriter& writer, std::string organization, absl::Time deadline, size_t bytes)
      : writer_(writer),
        organization_(std::move(organization)),
        deadline_(deadline),
        bytes_(bytes) {}
  virtual ~QueuedWrite() = default;

  // OK, or what the write ends with since nobody waits for it any more.
  virtual absl::Status CheckAwaited() const = 0;

  // Called once, after the transaction. Where `transaction` is not OK nothing was stored; else what
  // the writer has left is durable.
  virtual void Finish(const absl::Status& transaction) = 0;

  BatchWriter& writer() const { return writer_; }
  const std::string& organization() const { return organization_; }
  absl::Time deadline() const { return deadline_; }
  size_t bytes() const { return bytes_; }

 private:
  BatchWriter& writer_;
  const std::string organization_;
  const absl::Time deadline_;
  const size_t bytes_;
};

// What one lane holds and takes at a time.
inline constexpr size_t kMaxLaneWrites = 4096;
inline constexpr size_t kMaxLaneBytes = 64 * 1024 * 1024;
inline constexpr size_t kMaxRoundWrites = 256;
inline constexpr size_t kMaxRoundBytes = 4 * 1024 * 1024;
// How long a client is asked to wait, at least, when its lane is full.
inline constexpr absl::Duration kRetryFullLane = absl::Milliseconds(100);

// Puts the writes of many callers into few transactions: those of an organization wait in one Lane,
// and a round of it is one transaction, with one BatchWriter::Write for each organization and
// table. A transaction that fails with INTERNAL is run again by halves, until who made it fail
// stands alone. Thread-safe.
class Lanes {
 public:
  using Body = absl::FunctionRef<absl::Status(Session&)>;
  // Runs a function as Database::Write does.
  using Transact = std::function<absl::Status(absl::Time deadline, Body body)>;

  Lanes(int count, Transact transact);

  // Takes the write, or returns false and leaves it where its lane is full. Writes of one
  // organization and writer are stored in the order in which they are taken.
  [[nodiscard]] bool Submit(std::unique_ptr<QueuedWrite>& write);

 private:
  using Writes = absl::Span<QueuedWrite* const>;
  using Owned = std::unique_ptr<QueuedWrite>;

  struct Outcome {
    Owned write;
    absl::Status transaction;
  };

  Lane<Owned>::Rest RunRound(std::vector<Owned> writes);
  // What the transaction of each write came to.
  void WriteTogether(Writes writes, absl::Span<absl::Status> transactions);
  absl::Status TryTogether(Writes writes);

  const Transact transact_;
  std::vector<std::unique_ptr<Lane<Owned>>> lanes_;
};

}  // namespace alma::db
