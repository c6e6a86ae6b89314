#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
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
  // `bytes` is about what it holds in memory. The writer lives until Finish.
  QueuedWrite(BatchWriter& writer, std::string organization, absl::Time deadline, size_t bytes)
      : writer_(writer),
        organization_(std::move(organization)),
        deadline_(deadline),
        bytes_(bytes) {}
  virtual ~QueuedWrite() = default;

  // OK, or what the write ends with since nobody waits for it any more.
  virtual absl::Status CheckAwaited() const = 0;

  // The same, and whether its caller is known to have lost access: that is not waited for.
  virtual absl::Status CheckAdmitted() { return CheckAwaited(); }

  // Called once. Where `transaction` is OK, what the writer has left is durable; else it is what
  // Database::Write answers, or RESOURCE_EXHAUSTED (OVERLOADED).
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

}  // namespace alma::db
