#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <map>

#include "absl/time/clock.h"
#include "tests/services/conversations/bulk.h"

// How long the first page of a long list takes, and the last ones.
namespace alma::conversations {
namespace {

constexpr int kConversations = 50'000;
constexpr int kPageSize = 100;
constexpr int kRounds = 1000;

double MedianMicros(std::vector<absl::Duration>& times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                   times.end());
  return absl::ToDoubleMicroseconds(times[times.size() / 2]);
}

// Behind which a page of the list begins.
db::Position Before(int page) {
  const int n = kConversations - (page - 1) * kPageSize;
  return {NthMinute(n), NthUuid(n)};
}

TEST_CASE("pages 1 and 500 of an agent with 50000 conversations") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  Stores stores(engine);
  FillInBulk(stores, kConversations, 100);
  v1::ListConversationsRequest request = PageOfConversations(kPageSize);
  request.set_agent_uuid(kBusyAgent);
  const auto time = [&](const db::Position& at) {
    const absl::Time begun = absl::Now();
    const auto page = stores.conversations.List(Us(), request, at);
    const absl::Duration elapsed = absl::Now() - begun;
    REQUIRE(page.ok());
    REQUIRE(page->response.conversations_size() == kPageSize);
    return elapsed;
  };
  std::map<int, std::vector<absl::Duration>> times;
  // In turn, so that whatever else the machine does falls on all. Behind page 500 there is nothing,
  // so it reads a row less than the others.
  for (int i = 0; i < kRounds; ++i) {
    for (const int page : {1, 499, 500}) times[page].push_back(time(Before(page)));
  }
  const double first = MedianMicros(times[1]);
  for (auto& [page, taken] : times) {
    const double micros = MedianMicros(taken);
    std::printf("%-10s  page %3d: %7.1f us, %.2f of page 1 (target <= 1.20)\n",
                Catch::StringMaker<db::Engine>::convert(engine).c_str(), page, micros,
                micros / first);
  }
}

}  // namespace
}  // namespace alma::conversations
