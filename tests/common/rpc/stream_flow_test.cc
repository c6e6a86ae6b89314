#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "common/rpc/stream.h"
#include "google/protobuf/stubs/logging.h"
#include "tests/common/rpc/stream_service.h"

// How items and answers of streaming calls flow.
namespace alma::rpc {
namespace {

using testing::ReasonOf;

// Waits until `value` has not changed for a while.
int64_t Settled(const std::atomic<int64_t>& value) {
  int64_t last = -1;
  for (int same = 0; same < 20; absl::SleepFor(absl::Milliseconds(20))) {
    same = value == last ? same + 1 : 0;
    last = value;
  }
  return last;
}

// Sends so many items while it reads, and checks that each is answered, in its order.
void CheckAnsweredInOrder(Streams& streams, int items) {
  const auto context = ByWriter();
  const auto stream = streams.stub->ImportMessages(context.get());
  std::thread writer([&] {
    for (int i = 0; i < items; ++i) stream->Write(Item(std::to_string(i)));
    stream->WritesDone();
  });
  ImportMessagesResponse response;
  int in_order = 0;
  int64_t next = 0;
  for (; stream->Read(&response); ++next) {
    if (response.position() == next && response.message().content() == std::to_string(next)) {
      ++in_order;
    }
  }
  writer.join();
  CHECK(stream->Finish().ok());
  CHECK(next == items);
  CHECK(in_order == items);
}

TEST_CASE("every item of a stream is answered in order while more are sent") {
  Streams streams(EchoItems);
  CheckAnsweredInOrder(streams, 5000);
}

TEST_CASE("items that a run leaves are answered by the next ones in their order") {
  Streams streams([](const Call& call, State& state, Items items,
                     std::vector<ImportMessagesResponse>* responses) {
    if (items.size() > 3) items.erase(items.begin() + 3, items.end());
    return EchoItems(call, state, std::move(items), responses);
  });
  CheckAnsweredInOrder(streams, 2000);
}

TEST_CASE("an answer comes before the next item is sent") {
  Streams streams(EchoItems);
  const auto context = ByWriter();
  const auto stream = streams.stub->ImportMessages(context.get());
  ImportMessagesResponse response;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(stream->Write(Item("one at a time")));
    REQUIRE(stream->Read(&response));
    CHECK(response.position() == i);
  }
  stream->WritesDone();
  CHECK_FALSE(stream->Read(&response));
  CHECK(stream->Finish().ok());
}

// Sends items of `bytes` without reading until no more are taken, checks that at most `bound` were,
// then reads all answers.
void SendWithoutReading(size_t bytes, int64_t items, int64_t bound) {
  Streams streams(EchoItems);
  const auto context = ByWriter();
  const auto stream = streams.stub->ImportMessages(context.get());
  std::atomic<int64_t> written = 0;
  std::thread writer([&] {
    const ImportMessagesRequest item = Item(std::string(bytes, 'x'));
    while (written < items && stream->Write(item)) ++written;
    stream->WritesDone();
  });
  const int64_t taken = Settled(written);
  CHECK(taken < bound);
  ImportMessagesResponse response;
  int64_t answers = 0;
  while (stream->Read(&response)) ++answers;
  writer.join();
  CHECK(stream->Finish().ok());
  CHECK(answers == items);
}

TEST_CASE("a client that does not read its answers is not read from") {
  SendWithoutReading(1, 20'000, 3 * int64_t{Stream::kMaxItems} + 50);
  constexpr size_t kLarge = 100 * 1024;
  SendWithoutReading(kLarge, 1000, 3 * int64_t{Stream::kMaxBytes / kLarge} + 50);
}

TEST_CASE("streams that do not read their answers are bounded together and all end well") {
  constexpr int kStreams = 40;
  constexpr int64_t kItems = 200;
  constexpr size_t kLarge = 100 * 1024;
  Streams streams(EchoItems);
  std::atomic<int64_t> written = 0;
  std::atomic<int> right = 0;
  absl::Notification read_now;
  std::vector<std::thread> clients;
  for (int client = 0; client < kStreams; ++client) {
    clients.emplace_back([&] {
      const auto context = ByWriter();
      const auto stream = streams.stub->ImportMessages(context.get());
      std::thread writer([&] {
        const ImportMessagesRequest item = Item(std::string(kLarge, 'x'));
        for (int i = 0; i < kItems && stream->Write(item); ++i) ++written;
        stream->WritesDone();
      });
      read_now.WaitForNotification();
      ImportMessagesResponse response;
      int64_t answers = 0;
      while (stream->Read(&response)) ++answers;
      writer.join();
      if (stream->Finish().ok() && answers == kItems) ++right;
    });
  }
  // Alone each would be taken some 120 items of.
  CHECK(Settled(written) < 2 * int64_t{Stream::kMaxBytesOfAll / kLarge} + 10 * kStreams);
  read_now.Notify();
  for (std::thread& client : clients) client.join();
  CHECK(right == kStreams);
}

TEST_CASE("what the runs of streams hold counts while they wait and work") {
  constexpr int kStreams = 40;
  constexpr int64_t kItems = 200;
  constexpr size_t kLarge = 100 * 1024;
  absl::Notification start;
  absl::Notification first;
  absl::Notification second;
  std::atomic<int> begun = 0;
  // A stream begins with a run without items. Its first batch is one item, the next all that has
  // arrived meanwhile.
  Streams streams([&](const Call& call, State& state, Items items,
                      std::vector<ImportMessagesResponse>* responses) {
    if (items.empty()) {
      ++begun;
    } else {
      (state.items == 0 ? first : second).WaitForNotification();
    }
    return EchoItems(call, state, std::move(items), responses);
  });
  std::atomic<int64_t> written = 0;
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  clients.reserve(kStreams);
  for (int client = 0; client < kStreams; ++client) {
    clients.emplace_back([&] {
      const auto context = ByWriter();
      context->set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(10));
      const auto stream = streams.stub->ImportMessages(context.get());
      start.WaitForNotification();
      std::thread writer([&] {
        const ImportMessagesRequest item = Item(std::string(kLarge, 'x'));
        for (int i = 0; i < kItems && stream->Write(item); ++i) ++written;
        stream->WritesDone();
      });
      second.WaitForNotification();
      ImportMessagesResponse response;
      int64_t answers = 0;
      while (stream->Read(&response)) ++answers;
      writer.join();
      if (stream->Finish().ok() && answers == kItems) ++right;
    });
  }
  while (begun < kStreams) absl::SleepFor(absl::Milliseconds(1));
  start.Notify();
  constexpr int64_t kAll = Stream::kMaxBytesOfAll / kLarge;
  const int64_t at_first = Settled(written);
  first.Notify();
  const int64_t at_second = Settled(written);
  second.Notify();
  for (std::thread& client : clients) client.join();
  CHECK(at_first > kAll / 2);
  // One that is read, one that is being sent.
  CHECK(at_second < kAll + kAll / 4 + 5 * kStreams);
  CHECK(right == kStreams);
}

TEST_CASE("pages are made no faster than the client reads them") {
  std::atomic<int64_t> made = 0;
  Streams streams(EchoItems, [&](const Call& call, ExportMessagesRequest& request,
                                 std::vector<ExportMessagesResponse>* responses) {
    ++made;
    return CountUp(call, request, responses);
  });
  const auto context = ByWriter();
  const auto stream = streams.stub->ExportMessages(context.get(), {});
  CHECK(Settled(made) <= int64_t{Stream::kMaxItems} / 100 + 2);
  ExportMessagesResponse response;
  int64_t next = 1;
  while (stream->Read(&response) && response.revision() == next) ++next;
  CHECK(next == 10'001);
  CHECK(stream->Finish().ok());
  CHECK(made == 100);
}

TEST_CASE("pages that nobody reads are bounded together and all come in the end") {
  constexpr int kStreams = 100;
  constexpr int64_t kPerStream = 30;
  constexpr size_t kLarge = 250 * 1024;
  // Of a TestRuntime.
  constexpr int64_t kWorkers = 8;
  std::atomic<int64_t> made = 0;
  Streams streams(
      EchoItems,
      [&](const Call& call, ExportMessagesRequest& request,
          std::vector<ExportMessagesResponse>* responses) -> absl::StatusOr<bool> {
        int64_t revision = request.after_revision();
        do {
          ExportMessagesResponse& response = responses->emplace_back();
          response.set_revision(++revision);
          response.mutable_message()->set_content(std::string(kLarge, 'x'));
          ++made;
        } while (revision < kPerStream && (responses->size() + 1) * kLarge <= call.answer_bytes);
        request.set_after_revision(revision);
        return revision < kPerStream;
      });
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<ExportMessagesResponse>>> exports;
  for (int i = 0; i < kStreams; ++i) {
    contexts.push_back(ByWriter());
    contexts.back()->set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(10));
    exports.push_back(streams.stub->ExportMessages(contexts.back().get(), {}));
  }
  // One that is being written and one that waits for that.
  CHECK(Settled(made) <
        int64_t{Stream::kMaxBytesOfAll / kLarge + kWorkers * (Stream::kMaxBytes / kLarge)} +
            2 * kStreams);
  int whole = 0;
  for (const auto& stream : exports) {
    ExportMessagesResponse response;
    int64_t next = 1;
    while (stream->Read(&response) && response.revision() == next) ++next;
    if (stream->Finish().ok() && next == kPerStream + 1) ++whole;
  }
  CHECK(whole == kStreams);
}

TEST_CASE("an item that does not parse gets its own error and the others their answers") {
  const google::protobuf::LogSilencer silencer;
  Streams streams(EchoItems);
  const auto context = ByWriter();
  const auto stream = streams.stub->ImportMessages(context.get());
  ImportMessagesRequest malformed;
  malformed.GetReflection()->MutableUnknownFields(&malformed)->AddLengthDelimited(1, "\xFF\xFF");
  for (const ImportMessagesRequest& item : {Item("a"), Item("\xFF"), malformed, Item("b")}) {
    REQUIRE(stream->Write(item));
  }
  stream->WritesDone();
  std::vector<ImportMessagesResponse> responses(4);
  for (auto& response : responses) REQUIRE(stream->Read(&response));
  CHECK(stream->Finish().ok());
  CHECK(responses[0].message().content() == "a");
  CHECK(responses[3].message().content() == "b");
  const auto reason = [&](int i) {
    const google::rpc::Status& error = responses[i].error();
    return ReasonOf(
        {static_cast<grpc::StatusCode>(error.code()), error.message(), error.SerializeAsString()});
  };
  CHECK(reason(1) == "FIELD_INVALID");
  CHECK(responses[1].error().message().find("message.content") != std::string::npos);
  CHECK(reason(2) == "MALFORMED_REQUEST");
}

TEST_CASE("many streams at once do not mix") {
  Streams streams(EchoItems);
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 16; ++client) {
    clients.emplace_back([&, client] {
      const auto context = ByWriter();
      const auto stream = streams.stub->ImportMessages(context.get());
      for (int i = 0; i < 100; ++i) stream->Write(Item(std::to_string(client)));
      stream->WritesDone();
      ImportMessagesResponse response;
      int good = 0;
      while (stream->Read(&response)) {
        if (response.message().content() == std::to_string(client)) ++good;
      }
      if (stream->Finish().ok() && good == 100) ++right;
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(right == 16);
}

}  // namespace
}  // namespace alma::rpc
