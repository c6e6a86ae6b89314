#include "common/db/session.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "common/text/timestamp.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/common/db/items.h"

namespace alma::db {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Struct;
using google::protobuf::Timestamp;
using google::protobuf::util::MessageDifferencer;
using testing::Execute;
using testing::ItemSchema;
using testing::Soon;
using testing::TestDatabase;

// Stores `param`, which is called "value", in `column` of a row of its own, and reads the row's
// column with `read`.
template <typename Reader>
void StoreAndRead(Database& database, std::string_view column, const Param& param, Reader read) {
  REQUIRE(Execute(database, "delete from items").ok());
  const std::string insert =
      "insert into items (id, " + std::string(column) + ") values (1, :value)";
  REQUIRE(Execute(database, insert, {param}).ok());
  const std::string select = "select " + std::string(column) + " from items";
  const auto rows =
      database.Read(Soon(), [&](Session& session) { return session.Query(select, {}, read); });
  INFO(rows.status());
  REQUIRE(rows.ok());
  CHECK(*rows == 1);
}

TEST_CASE("text comes back as it was stored") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  const std::vector<std::string> texts = {"",
                                          "x",
                                          "it's :value ::text \"quoted\" \\ %s ; -- $1 ?1",
                                          "\xF0\x9F\x90\x8E \xE6\xBC\xA2 e\xCC\x81 \xEF\xBF\xBF",
                                          "007",
                                          " 1e5 ",
                                          "null",
                                          "\n\t\r\x01\x7f",
                                          "{\"a\":[1]}",
                                          std::string(256 * 1024, 'x'),
                                          std::string(64, '\'')};
  for (const std::string& text : texts) {
    StoreAndRead(*database, "content", {"value", text},
                 [&](Row& row) { CHECK(row.Text() == text); });
    StoreAndRead(*database, "content", {"value", text},
                 [&](Row& row) { CHECK(row.OptionalText() == text); });
  }
}

TEST_CASE("an empty text is no null") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  StoreAndRead(*database, "content", {"value", ""},
               [](Row& row) { CHECK(row.OptionalText() == ""); });
  const auto is_null = [](Row& row) { CHECK_FALSE(row.OptionalText().has_value()); };
  StoreAndRead(*database, "content", Param::TextOrNull("value", ""), is_null);
  StoreAndRead(*database, "content", Param::Null("value"), is_null);
  StoreAndRead(*database, "content", {"value", std::optional<std::string>()}, is_null);
  StoreAndRead(*database, "content", Param::TextOrNull("value", "x"),
               [](Row& row) { CHECK(row.Text() == "x"); });
}

TEST_CASE("numbers come back from end to end of int64") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  using Limits = std::numeric_limits<int64_t>;
  for (const int64_t number :
       {Limits::min(), int64_t{-1}, int64_t{0}, int64_t{1} << 53, Limits::max()}) {
    StoreAndRead(*database, "number", {"value", number},
                 [&](Row& row) { CHECK(row.Int64() == number); });
    StoreAndRead(*database, "number", {"value", std::optional<int64_t>(number)},
                 [&](Row& row) { CHECK(row.OptionalInt64() == number); });
  }
  StoreAndRead(*database, "number", {"value", std::optional<int64_t>()},
               [](Row& row) { CHECK_FALSE(row.OptionalInt64().has_value()); });
}

TEST_CASE("truth values come back") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  StoreAndRead(*database, "truth", {"value", true}, [](Row& row) { CHECK(row.Bool()); });
  StoreAndRead(*database, "truth", {"value", false}, [](Row& row) { CHECK_FALSE(row.Bool()); });
}

TEST_CASE("times come back to the microsecond") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  // Years 1, 1969, 1970, 2024 (29 February) and 9999, with 0 to 6 fraction digits.
  const std::vector<std::pair<int64_t, int>> times = {
      {-62135596800, 0},  {-1, 999999000},         {0, 0},
      {1709164800, 1000}, {1709210096, 120000000}, {253402300799, 999999000}};
  for (const auto& [seconds, nanos] : times) {
    Timestamp time;
    time.set_seconds(seconds);
    time.set_nanos(nanos);
    CAPTURE(seconds, nanos);
    StoreAndRead(*database, "happened_at", {"value", time},
                 [&](Row& row) { CHECK(MessageDifferencer::Equals(row.Time(), time)); });
    StoreAndRead(*database, "happened_at", {"value", std::optional<Timestamp>(time)},
                 [&](Row& row) {
                   CHECK_FALSE(row.SkipNull());
                   Timestamp read;
                   read.set_nanos(1);
                   row.Time(&read);
                   CHECK(MessageDifferencer::Equals(read, time));
                 });
  }
  StoreAndRead(*database, "happened_at", Param::Null("value"),
               [](Row& row) { CHECK(row.SkipNull()); });
}

TEST_CASE("JSON objects come back by value") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  Struct json;
  StoreAndRead(*database, "body", {"value", json},
               [&](Row& row) { CHECK(MessageDifferencer::Equals(row.Json(), json)); });
  auto& fields = *json.mutable_fields();
  fields[":value '\"\\ \xC3\xA9"].set_string_value("it's\n:value\\u0041");
  fields[""].set_null_value({});
  fields["n"].set_number_value(-1.5e-7);
  fields["big"].set_number_value(9007199254740992);
  auto& list = *fields["list"].mutable_list_value();
  list.add_values()->set_bool_value(true);
  list.add_values()->mutable_struct_value();
  StoreAndRead(*database, "body", {"value", json},
               [&](Row& row) { CHECK(MessageDifferencer::Equals(row.Json(), json)); });
  StoreAndRead(*database, "body", {"value", std::optional<Struct>(json)},
               [&](Row& row) { CHECK(MessageDifferencer::Equals(*row.OptionalJson(), json)); });
  StoreAndRead(*database, "body", Param::Null("value"),
               [](Row& row) { CHECK_FALSE(row.OptionalJson().has_value()); });
}

TEST_CASE("lists of texts come back in order and a null is an empty one") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  RepeatedPtrField<std::string> texts;
  const auto are_equal = [&](Row& row) {
    const auto read = row.Texts();
    CHECK(std::vector<std::string>(read.begin(), read.end()) ==
          std::vector<std::string>(texts.begin(), texts.end()));
  };
  StoreAndRead(*database, "words", {"value", texts}, are_equal);
  StoreAndRead(*database, "words", Param::Null("value"), are_equal);
  for (const char* text : {"b", "a", "", "it's \"x\"", "\xC3\xA9", "b"}) texts.Add(text);
  StoreAndRead(*database, "words", {"value", texts}, are_equal);
}

TEST_CASE("columns are taken from the left and nulls take their turn") {
  const auto engine = GENERATE(Engine::kSqlite, Engine::kPostgresql);
  CAPTURE(engine);
  TestDatabase database(engine, ItemSchema());
  constexpr char kUuid[] = "0190f3a2-7c1e-7b4d-8f00-0123456789ab";
  REQUIRE(
      Execute(*database,
              "insert into items (id, content, truth, reference) values (7, 'c', :truth, :uuid)",
              {{"truth", true}, {"uuid", kUuid}})
          .ok());
  const auto read = [&](Row& row) {
    CHECK(row.Int64() == 7);
    CHECK_FALSE(row.OptionalInt64().has_value());
    CHECK(row.Text() == "c");
    CHECK(row.SkipNull());
    CHECK_FALSE(row.SkipNull());
    CHECK(row.Bool());
    CHECK_FALSE(row.OptionalJson().has_value());
    CHECK(row.Texts().empty());
    CHECK(row.Text() == kUuid);
  };
  const auto rows = database->Read(Soon(), [&](Session& session) {
    return session.Query(
        "select id, number, content, happened_at, truth, body, words, reference from items", {},
        read);
  });
  INFO(rows.status());
  CHECK(rows.ok());
}

}  // namespace
}  // namespace alma::db
