#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/status/macros.h"

namespace alma::db {

// Bytes of rows after which a page ends, so that an answer stays below the 4 MiB that gRPC clients
// take by default.
inline constexpr size_t kMaxPageBytes = 3 * 1024 * 1024;

// The most rows that a list asks for at a time. PostgreSQL hands over an answer as a whole, so this
// bounds its memory where rows are large.
inline constexpr int64_t kMaxRowsPerQuery = 64;

// What a row is taken for where few bytes of rows are wanted: then fewer are asked for at a time.
inline constexpr size_t kAssumedRowBytes = 4 * 1024;

// How many rows to ask for at a time where `bytes` of them are wanted: 1 to `most`.
inline size_t RowsAtATime(size_t bytes, size_t most) {
  return std::clamp(bytes / kAssumedRowBytes, size_t{1}, most);
}

// Counts the rows of one page of a list. Ask the database for `limit()` rows: the one beyond the
// page tells whether there is more.
class PageCut {
 public:
  explicit PageCut(int32_t page_size, size_t max_bytes = kMaxPageBytes)
      : page_size_(page_size), max_bytes_(max_bytes) {}

  int64_t limit() const { return int64_t{page_size_} + 1; }

  // How many of these to ask for at a time.
  int64_t step() const {
    const size_t rows = RowsAtATime(max_bytes_, size_t{kMaxRowsPerQuery});
    return std::min(limit(), static_cast<int64_t>(rows));
  }

  // Whether the next row, of `bytes` on the wire, is part of this page. Once false, always false.
  // The first row always fits.
  bool Fits(size_t bytes) {
    if (more_ || rows_ == page_size_ || (rows_ > 0 && bytes_ + bytes > max_bytes_)) {
      more_ = true;
      return false;
    }
    ++rows_;
    bytes_ += bytes;
    return true;
  }

  // Whether no row has fitted yet.
  bool empty() const { return rows_ == 0; }

  // Whether a row did not fit: the list goes on behind the last that did.
  bool more() const { return more_; }

 private:
  const int32_t page_size_;
  const size_t max_bytes_;
  int32_t rows_ = 0;
  size_t bytes_ = 0;
  bool more_ = false;
};

// Reads the rows of a page in steps. `query` is given the number of rows to ask for, offers each of
// them to `cut`, and returns an absl::StatusOr<int64_t>, how many there were; called again it goes
// on behind the last of them.
template <typename Query>
absl::Status ReadPage(PageCut& cut, Query query) {
  const int64_t limit = cut.step();
  int64_t rows = limit;
  while (rows == limit && !cut.more()) {
    ASSIGN_OR_RETURN(rows, query(limit));
  }
  return absl::OkStatus();
}

}  // namespace alma::db
