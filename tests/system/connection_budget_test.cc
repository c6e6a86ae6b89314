#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "catch2/catch.hpp"
#include "tests/support/alma_server.h"
#include "tests/system/conversations.h"

// What processes take of PostgreSQL's connections, against what docs/limits.md and their log state.
namespace alma::testing {
namespace {

constexpr int kWorkers = 3;
constexpr int kWriteLanes = 2;
constexpr int kDatabases = 6;
// docs/limits.md: of each process.
constexpr int64_t kBudget = kDatabases * (kWorkers + kWriteLanes + 2);

// More than there are workers and lanes.
constexpr int kCallers = 24;
constexpr absl::Duration kLoad = absl::Seconds(5);

// Of the clients of the database that storage is in, the caller's own left out; too many where it
// cannot be asked.
int64_t Connections(db::Database& database) {
  int64_t connections = std::numeric_limits<int64_t>::max();
  const auto count = [&](db::Session& session) {
    return session.Query(
        "select count(*) from pg_stat_activity where datname = current_database() and "
        "backend_type = 'client backend' and pid <> pg_backend_pid()",
        {}, [&](db::Row& row) { connections = row.Int64(); });
  };
  database.Read(absl::Now() + absl::Seconds(10), count).IgnoreError();
  return connections;
}

// Reads, creates one by one, and writes that are no creates, until `stop`; the calls that failed.
int Work(const Client& client, const std::string& conversation, const std::atomic<bool>& stop) {
  int failed = 0;
  while (!stop) {
    const auto created = Create(client, NewMessage(conversation));
    conversations::v1::UpdateMessageRequest update;
    update.mutable_message()->set_uuid(created.response.uuid());
    update.mutable_message()->set_content("another content");
    conversations::v1::ListMessagesRequest list;
    list.set_conversation_uuid(conversation);
    list.set_page_size(50);
    using Stub = conversations::v1::MessagesService::Stub;
    const bool all = created.status.ok() && client.Call(&Stub::UpdateMessage, update).status.ok() &&
                     client.Call(&Stub::ListMessages, list).status.ok();
    if (!all) ++failed;
  }
  return failed;
}

TEST_CASE("processes under load have no more connections to PostgreSQL than they state") {
  const AlmaStorage storage(db::Engine::kPostgresql);
  const std::string key = Bootstrap(storage).secret;
  const std::vector<std::string> flags = {absl::StrCat("--workers=", kWorkers),
                                          absl::StrCat("--write_lanes=", kWriteLanes)};
  AlmaServer first(storage, flags);
  AlmaServer second(storage, flags);
  const Client clients[] = {{first.channel(), key}, {second.channel(), key}};
  const auto conversations = CreateConversations(clients[0], kCallers);

  std::atomic<bool> stop = false;
  std::atomic<int> failed = 0;
  std::thread load([&] {
    InParallel(kCallers, [&](int caller) {
      failed += Work(clients[caller % 2], conversations[caller], stop);
    });
  });
  const auto database = storage.Open("conversations");
  int64_t most = 0;
  int64_t looks = 0;
  for (const absl::Time end = absl::Now() + kLoad; absl::Now() < end; ++looks) {
    most = std::max(most, Connections(*database));
    absl::SleepFor(absl::Milliseconds(10));
  }
  stop = true;
  load.join();
  INFO("at most " << most << " connections in " << looks << " looks");
  CHECK(failed == 0);
  CHECK(most <= 2 * kBudget);
  // A monitor of each database, and the load was on all workers and lanes of one.
  CHECK(most >= 2 * (kDatabases + kWorkers));
  const std::string stated = absl::StrCat(R"("event":"connections","connections":)", kBudget, ",");
  CHECK(first.process().Errors().find(stated) != std::string::npos);
  CHECK(second.process().Errors().find(stated) != std::string::npos);
}

}  // namespace
}  // namespace alma::testing
