#include <unistd.h>

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/support/captured.h"

// Statements that are prepared once and run often: Session::Query and Session::Execute.
namespace alma::db {
namespace {

using testing::Execute;
using testing::InsertItem;
using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

std::vector<int64_t> Numbers(Database& database, std::string_view sql, Params params) {
  std::vector<int64_t> numbers;
  const auto rows = database.Read(Soon(), [&](Session& session) {
    return session.Query(sql, params, [&](Row& row) { numbers.push_back(row.Int64()); });
  });
  INFO(rows.status());
  REQUIRE(rows.ok());
  CHECK(*rows == static_cast<int64_t>(numbers.size()));
  return numbers;
}

TEST_CASE("a statement that is run again sees its new parameters and nothing of the old") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  for (int id = 0; id < 5; ++id) {
    const std::optional<std::string> content =
        id % 2 == 0 ? std::nullopt : std::optional(std::string(5 - id, 'c'));
    REQUIRE(Execute(*database,
                    "insert into items (id, content, number) values (:id, :content, :number)",
                    {{"id", id}, {"content", content}, {"number", id * 10}})
                .ok());
  }
  constexpr char kSelect[] = "select id from items where number >= :from order by id";
  CHECK(Numbers(*database, kSelect, {{"from", 30}}) == std::vector<int64_t>{3, 4});
  CHECK(Numbers(*database, kSelect, {{"from", 99}}).empty());
  CHECK(Numbers(*database, kSelect, {{"from", 0}}) == std::vector<int64_t>{0, 1, 2, 3, 4});
  CHECK(Numbers(*database, "select id from items where content is null order by id", {}) ==
        std::vector<int64_t>{0, 2, 4});
  CHECK(Numbers(*database,
                "select length(content) from items where content is not null order by id",
                {}) == std::vector<int64_t>{4, 2});
}

TEST_CASE("a parameter may be null at first and a number or a text later") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  constexpr char kInsert[] =
      "insert into items (id, number, content) values (:id, :number, :content)";
  const auto insert = [&](int id, const Param& number, const Param& content) {
    REQUIRE(Execute(*database, kInsert, {{"id", id}, number, content}).ok());
  };
  insert(1, Param::Null("number"), Param::Null("content"));
  insert(2, {"number", 12}, {"content", "text"});
  insert(3, Param::Null("number"), Param::Null("content"));
  insert(4, {"number", -7}, {"content", ""});
  CHECK(Numbers(*database,
                "select id from items where number is null and content is null order by id",
                {}) == std::vector<int64_t>{1, 3});
  CHECK(Numbers(*database, "select number + 1 from items where number is not null order by id",
                {}) == std::vector<int64_t>{13, -6});
  constexpr char kFind[] = "select id from items where number = :number";
  CHECK(Numbers(*database, kFind, {Param::Null("number")}).empty());
  CHECK(Numbers(*database, kFind, {{"number", 12}}) == std::vector<int64_t>{2});
}

TEST_CASE("one parameter may stand twice in a statement") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  constexpr char kInsert[] = "insert into items (id, number, content) values (:id, :id, :content)";
  REQUIRE(Execute(*database, kInsert, {{"id", 3}, {"content", "3"}}).ok());
  REQUIRE(Execute(*database, kInsert, {{"id", 4}, {"content", "4"}}).ok());
  CHECK(Numbers(*database, "select id from items where id = :id and number = :id", {{"id", 4}}) ==
        std::vector<int64_t>{4});
}

TEST_CASE("a colon within quotes is no parameter") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  REQUIRE(Execute(*database, "insert into items (id, content) values (1, ':id')").ok());
  CHECK(Numbers(*database, "select id from items where content = ':id' and id = :id", {{"id", 1}})
            .size() == 1);
}

TEST_CASE("rows that a write returns are all there") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  constexpr char kUpsert[] =
      "insert into items (id, number) values (:id, 1) on conflict (id) do update set number = "
      "items.number + 1 "
      "returning number";
  constexpr char kUnlessThere[] =
      "insert into items (id) values (:id) on conflict (id) do nothing returning id";
  const auto number = [&](const char* sql) {
    return database->Write(Soon(), [&](Session& session) -> absl::StatusOr<int64_t> {
      int64_t returned = 0;
      const auto rows = session.Query(sql, {{"id", 1}}, [&](Row& row) { returned = row.Int64(); });
      if (!rows.ok()) return rows.status();
      return *rows * 100 + returned;
    });
  };
  CHECK(*number(kUpsert) == 101);
  CHECK(*number(kUpsert) == 102);
  CHECK(*number(kUnlessThere) == 0);
  CHECK(testing::SelectInt64(*database, "select number from items") == 2);
}

TEST_CASE("each row has its own texts and nulls") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const std::vector<std::optional<std::string>> contents = {
      std::string(100, 'a'), std::nullopt, "b", "", std::nullopt, std::string(70'000, 'c')};
  for (size_t i = 0; i < contents.size(); ++i) {
    REQUIRE(Execute(*database,
                    "insert into items (id, content, number) values (:id, :content, 9 - :id)",
                    {{"id", static_cast<int64_t>(i)}, Param("content", contents[i])})
                .ok());
  }
  std::vector<std::optional<std::string>> read;
  const auto rows = database->Read(Soon(), [&](Session& session) {
    return session.Query("select content, number, id from items order by id", {}, [&](Row& row) {
      const auto content = row.OptionalText();
      // The row stays what it is while other statements run.
      const auto others = session.Query("select content from items where id < 3", {},
                                        [](Row& other) { other.OptionalText(); });
      CHECK(others == absl::StatusOr<int64_t>(3));
      read.emplace_back(content);
      CHECK(row.Int64() == 10 - static_cast<int64_t>(read.size()));
      CHECK(row.Int64() == static_cast<int64_t>(read.size()) - 1);
    });
  });
  REQUIRE(rows.ok());
  CHECK(read == contents);
}

TEST_CASE("each row that many runs return has its own texts and nulls") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const std::vector<std::vector<Param>> runs = {{{"id", 0}, {"content", std::string(100, 'a')}},
                                                {{"id", 1}, Param::Null("content")},
                                                {{"id", 2}, {"content", "b"}}};
  std::vector<std::optional<std::string>> read;
  const absl::Status written = database->Write(Soon(), [&](Session& session) {
    return session.QueryEach(
        "insert into items (id, content) values (:id, :content) returning content, id", runs,
        [&](size_t run, Row& row) {
          read.emplace_back(row.OptionalText());
          CHECK(row.Int64() == static_cast<int64_t>(run));
        });
  });
  REQUIRE(written.ok());
  CHECK(read == std::vector<std::optional<std::string>>{std::string(100, 'a'), std::nullopt, "b"});
}

TEST_CASE("a column that cannot be read as asked fails the query") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  REQUIRE(Execute(*database, "insert into items (id, content) values (1, '12x')").ok());
  const auto reads = [&](std::string_view column, absl::FunctionRef<void(Row&)> read) {
    const std::string sql = "select " + std::string(column) + " from items";
    const auto rows =
        database->Read(Soon(), [&](Session& session) { return session.Query(sql, {}, read); });
    CHECK((rows.ok() || rows.status() == status::Internal()));
    return rows.ok();
  };
  CHECK_FALSE(reads("content", [](Row& row) { row.Int64(); }));
  CHECK_FALSE(reads("content", [](Row& row) { row.OptionalInt64(); }));
  CHECK_FALSE(reads("content", [](Row& row) { row.Bool(); }));
  CHECK_FALSE(reads("content", [](Row& row) { row.Time(); }));
  CHECK_FALSE(reads("number", [](Row& row) { row.Time(); }));
  CHECK_FALSE(reads("content", [](Row& row) { row.Json(); }));
  CHECK_FALSE(reads("content", [](Row& row) { row.Texts(); }));
  CHECK_FALSE(reads("'99999999999999999999'", [](Row& row) { row.Int64(); }));
  CHECK_FALSE(reads("''", [](Row& row) { row.Int64(); }));
  CHECK_FALSE(reads("number", [](Row& row) { row.Int64(); }));
  CHECK_FALSE(reads("number", [](Row& row) { row.Text(); }));
  CHECK_FALSE(reads("number", [](Row& row) { row.Bool(); }));
  CHECK(reads("number", [](Row& row) { row.OptionalInt64(); }));
  CHECK(reads("id", [](Row& row) { row.Int64(); }));
}

TEST_CASE(
    "PostgreSQL's types are read as it keeps them, and as texts beside one that is not known") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  for (const std::string unknown : {"", ", 1.5"}) {
    CAPTURE(unknown);
    const std::string sql = absl::StrCat(
        "select cast(-2 as smallint), cast(-3 as integer), cast(-9223372036854775808 as bigint), "
        "true, false, cast('0190F3A2-7c1e-7b4d-8f00-0123456789ab' as uuid), 'text', "
        "cast('{\"a\": 1}' as jsonb), cast('[\"b\"]' as jsonb), cast(null as uuid), "
        "cast('1969-12-31 23:59:59.999999+00' as timestamptz)",
        unknown);
    const auto rows = database->Read(Soon(), [&](Session& session) {
      return session.Query(sql, {}, [](Row& row) {
        CHECK(row.Int64() == -2);
        CHECK(row.Int64() == -3);
        CHECK(row.Int64() == std::numeric_limits<int64_t>::min());
        CHECK(row.Bool());
        CHECK_FALSE(row.Bool());
        CHECK(row.Text() == "0190f3a2-7c1e-7b4d-8f00-0123456789ab");
        CHECK(row.Text() == "text");
        CHECK(row.Json().fields().at("a").number_value() == 1);
        CHECK(row.Texts().Get(0) == "b");
        CHECK(row.SkipNull());
        const google::protobuf::Timestamp time = row.Time();
        CHECK(time.seconds() == -1);
        CHECK(time.nanos() == 999'999'000);
      });
    });
    CHECK(rows.value_or(0) == 1);
  }
}

TEST_CASE("a time that no timestamp has fails the query") {
  TestDatabase database(Engine::kPostgresql, ItemSchema());
  const auto reads = [&](const std::string& time) {
    const std::string sql = absl::StrCat("select cast('", time, "' as timestamptz)");
    const auto rows = database->Read(Soon(), [&](Session& session) {
      return session.Query(sql, {}, [](Row& row) { row.Time(); });
    });
    CHECK((rows.ok() || rows.status() == status::Internal()));
    return rows.ok();
  };
  CHECK(reads("0001-01-01 00:00:00+00"));
  CHECK(reads("9999-12-31 23:59:59.999999+00"));
  for (const std::string time :
       {"infinity", "-infinity", "10000-01-01 00:00:00+00", "0001-12-31 00:00:00+00 BC",
        "294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC"}) {
    CAPTURE(time);
    CHECK_FALSE(reads(time));
  }
}

TEST_CASE("parameters of another kind than those of the first use are refused") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto run = [&](const std::vector<Param>& second) {
    return database->Write(Soon(), [&](Session& session) -> absl::Status {
      CHECK(session
                .Execute("update items set content = :content where id = :id",
                         {{"content", "x"}, {"id", 1}})
                .ok());
      return session.Execute("update items set content = :content where id = :id", second);
    });
  };
  CHECK(run({{"content", "y"}, {"id", 2}}).ok());
  CHECK(run({{"content", "y"}, {"id", "2"}}) == status::Internal());
  CHECK(run({{"content", "y"}, {"number", 2}}) == status::Internal());
  CHECK(run({{"content", "y"}, {"id", 2}}).ok());
}

TEST_CASE("parameters of another kind than those of the first of many runs are refused") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto run = [&](const std::vector<Param>& second) {
    return database->Write(Soon(), [&](Session& session) {
      const std::vector<std::vector<Param>> runs = {{{"content", "x"}, {"id", 1}}, second};
      return session.ExecuteEach("update items set content = :content where id = :id", runs);
    });
  };
  CHECK(run({{"content", "y"}, {"id", 2}}).ok());
  CHECK(run({{"content", "y"}, {"id", "2"}}) == status::Internal());
  CHECK(run({{"content", "y"}, {"number", 2}}) == status::Internal());
  CHECK(run({{"content", "y"}}) == status::Internal());
  CHECK(run({{"content", "y"}, Param::Null("id")}).ok());
}

TEST_CASE("a statement that failed works the next time") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase fixture(engine, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  const auto insert = [&](int64_t id) {
    return database->Write(Soon(), [&](Session& session) { return InsertItem(session, id, "x"); });
  };
  CHECK(insert(1).ok());
  for (int i = 0; i < 3; ++i) {
    CHECK(insert(1) == status::Internal());
    CHECK(Execute(*database, "insert into items (no_such_column) values (1)") ==
          status::Internal());
    CHECK(Execute(*database, "selekt") == status::Internal());
    CHECK(insert(2 + i).ok());
  }
  CHECK(testing::CountItems(*database) == 4);
}

TEST_CASE("PostgreSQL keeps no statement that failed") {
  TestDatabase fixture(Engine::kPostgresql, ItemSchema());
  const auto database = testing::OpenAnother(*fixture, 1);
  constexpr char kCount[] = "select count(*) from pg_prepared_statements";
  REQUIRE(database->Write(Soon(), [](Session& session) { return InsertItem(session, 1); }).ok());
  const int64_t before = testing::SelectInt64(*database, kCount);
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(
        database->Write(Soon(), [](Session& session) { return InsertItem(session, 1); }).ok());
  }
  CHECK(testing::SelectInt64(*database, kCount) <= before);
}

TEST_CASE("a failure is logged without any value") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const auto insert = [](Session& session) { return InsertItem(session, 424242, "very private"); };
  REQUIRE(database->Write(Soon(), insert).ok());
  testing::Captured log(STDERR_FILENO);
  const absl::Status failed = database->Write(Soon(), insert);
  const std::string lines = log.Text();
  CHECK(lines.find("database_error") != std::string::npos);
  for (const char* value : {"private", "424242"}) {
    CHECK(lines.find(value) == std::string::npos);
    CHECK(failed.ToString().find(value) == std::string::npos);
  }
}

TEST_CASE("small reads between writes do not keep the write-ahead log from starting over") {
  TestDatabase database(Engine::kSqlite, ItemSchema());
  const std::string content(256 * 1024, 'x');
  const auto insert = [&](int64_t id) {
    return [&content, id](Session& session) { return InsertItem(session, id, content); };
  };
  REQUIRE(database->Write(Soon(), insert(-1)).ok());
  REQUIRE(database->Write(Soon(), insert(-2)).ok());
  for (int64_t id = 0; id < 400; ++id) {
    REQUIRE(database->Write(Soon(), insert(id)).ok());
    CHECK(Numbers(*database, "select id from items where id < :id", {{"id", 0}}).size() == 2);
  }
  // SQLite starts over after 8000 pages of 4 KiB, and these are 26,000.
  CHECK(std::filesystem::file_size(database->location().target + "-wal") < 2 * 8000 * 4096);
}

}  // namespace
}  // namespace alma::db
