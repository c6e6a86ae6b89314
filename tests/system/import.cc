#include "tests/system/import.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "catch2/catch.hpp"

namespace alma::testing {
namespace {

namespace v1 = conversations::v1;

constexpr int64_t kFirstSecond = 1'600'000'000;

}  // namespace

v1::ImportMessagesRequest ImportItem(const Source& source, int n) {
  v1::ImportMessagesRequest item;
  v1::Message& message = *item.mutable_message();
  message = NewMessage(source.conversations[n % source.conversations.size()]).message();
  message.clear_uuid();
  message.set_external_id(absl::StrCat("m-", n));
  std::string content = absl::StrCat("words ", n, " ");
  content.resize(50, '.');
  message.set_content(content);
  message.mutable_created_at()->set_seconds(kFirstSecond + n);
  return item;
}

Imported ImportFrom(const Client& client, const Source& source, int first,
                    const std::function<void(grpc::ClientContext&)>& on_answer) {
  const auto context = client.NewContext(absl::Minutes(10));
  v1::MessagesService::Stub stub(client.channel());
  const auto stream = stub.ImportMessages(context.get());
  std::thread writer([&] {
    for (int n = first; n < source.messages; ++n) {
      if (!stream->Write(ImportItem(source, n))) return;
    }
    stream->WritesDone();
  });
  Imported imported{.committed = first - 1, .refused = false, .status = {}};
  v1::ImportMessagesResponse response;
  while (stream->Read(&response)) {
    imported.refused = imported.refused || response.has_error();
    imported.committed =
        std::max(imported.committed, first + static_cast<int>(response.committed_position()));
    on_answer(*context);
  }
  writer.join();
  imported.status = stream->Finish();
  return imported;
}

void CheckImported(const Client& client, const Source& source) {
  const auto conversations = static_cast<int>(source.conversations.size());
  std::vector<int64_t> revisions;
  int wrong = 0;
  for (int c = 0; c < conversations; ++c) {
    const std::vector<v1::Message> messages = ListAll(client, source.conversations[c]);
    CHECK(messages.size() == source.messages / source.conversations.size());
    for (size_t i = 0; i < messages.size(); ++i) {
      const int n = static_cast<int>(i) * conversations + c;
      revisions.push_back(messages[i].revision());
      if (messages[i].index() != static_cast<int64_t>(i) ||
          messages[i].external_id() != absl::StrCat("m-", n) ||
          messages[i].created_at().seconds() != kFirstSecond + n) {
        ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
  std::sort(revisions.begin(), revisions.end());
  const bool without_gap =
      std::adjacent_find(revisions.begin(), revisions.end(),
                         [](int64_t a, int64_t b) { return b != a + 1; }) == revisions.end();
  CHECK(without_gap);
}

}  // namespace alma::testing
