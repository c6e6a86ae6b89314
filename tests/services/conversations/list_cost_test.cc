#include <sqlite3.h>

#include <map>
#include <memory>
#include <regex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/conversations/list_query.h"
#include "tests/services/conversations/bulk.h"

// What the engines touch for the first page of an agent's conversations and for the last.
namespace alma::conversations {
namespace {

constexpr int kConversations = 50'000;
constexpr int kPageSize = 100;
constexpr int kLimit = 64;

ListQuery OfAgent(const db::Position& at) {
  v1::ListConversationsRequest request = PageOfConversations(kPageSize);
  request.set_agent_uuid(kBusyAgent);
  return ConversationsBehind(at, kOurs, request, kLimit);
}

// The blocks that PostgreSQL looks at.
int64_t Blocks(Stores& stores, const db::Position& at) {
  const ListQuery query = OfAgent(at);
  // The first such line is of the whole; what comes after `hit` or `read` alone is counted.
  const std::regex counts("Buffers: shared( hit=([0-9]+))?( read=([0-9]+))?");
  int64_t blocks = -1;
  Ok(stores.database->Read(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
    return session.Query(absl::StrCat("explain (analyze, buffers) ", query.sql), query.params,
                         [&](db::Row& row) {
                           const std::string line(row.Text());
                           std::smatch found;
                           if (blocks >= 0 || !std::regex_search(line, found, counts)) return;
                           blocks = 0;
                           for (const int group : {2, 4}) {
                             int64_t count = 0;
                             if (absl::SimpleAtoi(found[group].str(), &count)) blocks += count;
                           }
                         });
  }));
  return blocks;
}

// The steps of SQLite's virtual machine.
int64_t Steps(Stores& stores, const db::Position& at) {
  sqlite3* opened = nullptr;
  sqlite3_open_v2(stores.database->location().target.c_str(), &opened, SQLITE_OPEN_READONLY,
                  nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> connection(opened, sqlite3_close);
  sqlite3_stmt* prepared = nullptr;
  sqlite3_prepare_v2(opened, OfAgent(at).sql.c_str(), -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, sqlite3_finalize);
  const std::map<std::string, std::string> texts = {{":organization", kOurs},
                                                    {":kind", "AGENT"},
                                                    {":participant", kBusyAgent},
                                                    {":activity_minute", at.at(0)},
                                                    {":uuid", at.at(1)}};
  for (const auto& [name, text] : texts) {
    sqlite3_bind_text(prepared, sqlite3_bind_parameter_index(prepared, name.c_str()), text.c_str(),
                      -1, SQLITE_TRANSIENT);
  }
  sqlite3_bind_int(prepared, sqlite3_bind_parameter_index(prepared, ":limit"), kLimit);
  int rows = 0;
  while (sqlite3_step(prepared) == SQLITE_ROW) ++rows;
  CHECK(rows == kLimit);
  return sqlite3_stmt_status(prepared, SQLITE_STMTSTATUS_VM_STEP, 0);
}

db::Position BehindPage(int page) {
  const int n = kConversations - page * kPageSize;
  return {NthMinute(n), NthUuid(n)};
}

TEST_CASE("the last page of an agent with 50000 conversations touches as much as the first") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stores stores(engine);
  FillInBulk(stores, kConversations, 100);
  const auto cost = engine == db::Engine::kSqlite ? Steps : Blocks;
  // Once for nothing: the first look at a table sets hint bits and fills caches.
  for (const int page : {0, 499}) cost(stores, BehindPage(page));
  const int64_t first = cost(stores, BehindPage(0));
  const int64_t last = cost(stores, BehindPage(499));
  CAPTURE(first, last);
  CHECK(first > kLimit);
  // A range may begin or end one block later, on each level of its index and in the table.
  CHECK(last <= first + 4);
}

}  // namespace
}  // namespace alma::conversations
