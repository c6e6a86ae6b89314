#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/load/connection.h"
#include "tests/bench/load/histogram.h"
#include "tests/bench/load/workload.h"

namespace alma::bench {

struct LoadOptions {
  int connections = 4;
  // Closed loop: so many calls are under way at any time, each followed by the next.
  int in_flight = 64;
  // Open loop, where not 0: calls per second, begun when they are due whatever became of those
  // before. Latency counts from then, so a server that stalls is charged for all who wait.
  double rate = 0;
  // Of each call from when it is due, where not 0; then it ends with status 4.
  absl::Duration deadline;
  // Calls of the warm-up are made and not counted.
  absl::Duration warmup = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(5);
  // Where not 0: this many calls instead of a time, all counted.
  int64_t calls = 0;
};

struct LoadResult {
  // Those of the counted time, by their end in the closed loop and by when they were due in the
  // open one; calls with an error are in `errors` alone, by gRPC status (-1: the stream ended
  // without one).
  int64_t calls = 0;
  std::map<int, int64_t> errors;
  // Calls with OK that came after their deadline: neither calls nor errors.
  int64_t late = 0;
  // Calls that the open loop began and that had no answer 10 s after its end.
  int64_t unanswered = 0;
  // Calls that were answered OK and in time while time counted, whenever they were due.
  int64_t answered_meanwhile = 0;
  // Warm-up included.
  int64_t calls_in_all = 0;
  absl::Duration counted;
  Histogram latency;
};

// Makes the calls of a workload on a server, from the calling thread alone.
class Load {
 public:
  // UNAVAILABLE where `address` does not answer.
  static absl::StatusOr<std::unique_ptr<Load>> Create(const std::string& address,
                                                      const LoadOptions& options,
                                                      bool keep_answers);

  // One call; its answer's bytes. UNAVAILABLE where it has another status than OK.
  absl::StatusOr<std::string> Call(Request request);

  // UNAVAILABLE where a connection breaks.
  absl::StatusOr<LoadResult> Run(Workload& workload);

 private:
  explicit Load(const LoadOptions& options);
  void Ended(size_t connection, int64_t tag, int status, std::string_view answer);
  void Begin(size_t connection, int64_t due);
  void BeginWhatIsDue(int64_t now);
  bool Over(int64_t now) const;
  bool AllBegun() const;
  absl::Status Turn(int64_t wait);

  const LoadOptions options_;
  const int64_t deadline_;
  std::vector<std::unique_ptr<Connection>> connections_;
  Workload* workload_ = nullptr;
  LoadResult result_;
  // When each call under way was due, by tag, and the tags that are free.
  std::vector<int64_t> due_;
  std::vector<int64_t> free_;
  int64_t under_way_ = 0;
  int64_t begun_ = 0;
  int64_t start_ = 0;
  int64_t count_from_ = 0;
  int64_t end_ = 0;
  std::string answer_;
  int status_ = 0;
};

}  // namespace alma::bench
