#include "common/db/lanes.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/db/location.h"
#include "common/status/status.h"

namespace alma::db {
namespace {

// Keeps the order in which organizations are written. The first of all, "first", lasts until GoOn.
class Recorder final : public BatchWriter {
 public:
  absl::StatusOr<bool> Write(Session&, const std::string& organization,
                             absl::Span<QueuedWrite* const> writes) override {
    if (organization == "first") {
      begun_.Notify();
      go_on_.WaitForNotification();
    }
    written_.push_back(organization + ":" + std::to_string(writes.size()));
    if (organization == "broken") return status::Internal();
    return true;
  }

  void AwaitFirst() { begun_.WaitForNotification(); }
  void GoOn() { go_on_.Notify(); }
  const std::vector<std::string>& written() const { return written_; }

 private:
  absl::Notification begun_;
  absl::Notification go_on_;
  std::vector<std::string> written_;
};

class Recorded final : public QueuedWrite {
 public:
  Recorded(BatchWriter& writer, const std::string& organization, std::vector<absl::Status>& ends)
      : QueuedWrite(writer, organization, absl::Now() + absl::Seconds(30), 1), ends_(ends) {}
  absl::Status CheckAwaited() const override { return absl::OkStatus(); }
  void Finish(const absl::Status& transaction) override { ends_.push_back(transaction); }

 private:
  std::vector<absl::Status>& ends_;
};

TEST_CASE("a round takes organizations in sorted order and by halves where one of them breaks",
          "[threads]") {
  Recorder recorder;
  std::vector<absl::Status> ends;
  {
    const Location nowhere{};
    Session session(nowhere, Access::kWrite);
    const auto transact = [&](absl::Time, Lanes::Body body) { return body(session); };
    Lanes lanes(1, transact, transact);
    const auto submit = [&](const std::string& organization) {
      std::unique_ptr<QueuedWrite> write = std::make_unique<Recorded>(recorder, organization, ends);
      REQUIRE(lanes.Submit(write));
    };
    submit("first");
    recorder.AwaitFirst();
    for (const char* organization : {"c", "a", "broken", "c"}) submit(organization);
    recorder.GoOn();
  }
  CHECK(recorder.written() == std::vector<std::string>{"first:1", "a:1", "broken:1", "a:1", "c:1",
                                                       "broken:1", "broken:1", "c:1"});
  CHECK(ends == std::vector<absl::Status>{absl::OkStatus(), absl::OkStatus(), absl::OkStatus(),
                                          status::Internal(), absl::OkStatus()});
}

}  // namespace
}  // namespace alma::db
