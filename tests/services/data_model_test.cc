#include <fstream>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/agents/schema.h"
#include "services/analytics/schema.h"
#include "services/conversations/schema.h"
#include "services/organizations/schema.h"
#include "tests/support/database.h"
#include "tests/support/tenants.h"

// The tables as they are made, against the users' description of them in
// tests/data/data-model.txt.
namespace alma {
namespace {

using testing::Ok;

const db::Schema* const kSchemas[] = {
    &organizations::Schema(),      &conversations::Schema(),   &agents::Schema(),
    &analytics::AnalyticsSchema(), &analytics::EventsSchema(), &analytics::FollowUpSchema(),
};

// A column that the description does not have.
struct Addition {
  const char* table;
  const char* column;
  bool nullable;
  const char* reason;
};

constexpr char kRevision[] = "optimistic lock, and the order of changes";
constexpr char kTombstone[] = "a deleted row keeps its place";
constexpr char kExternalId[] = "the id that the source gave, for creates that are repeated";
constexpr char kTenant[] = "keeps tenants apart and leads every key";
constexpr char kChangeSeq[] = "orders the feed that gateways follow";
constexpr char kKept[] = "kept by writes of messages, so that a read need not count";

const Addition kAdditions[] = {
    {"organizations", "revision", false, kRevision},
    {"organizations", "deleted_at", true, kTombstone},
    {"organizations", "change_seq", false, kChangeSeq},
    {"authorization", "key_prefix", false, "what may be shown of a key"},
    {"authorization", "scopes", false, "what a key may do"},
    {"authorization", "expires_at", true, "when a key ends by itself"},
    {"authorization", "revoked_at", true, "a key is revoked, not deleted"},
    {"authorization", "revision", false, kRevision},
    {"authorization", "change_seq", false, kChangeSeq},
    {"conversations", "external_id", true, kExternalId},
    {"conversations", "revision", false, kRevision},
    {"conversations", "deleted_at", true, kTombstone},
    {"conversations", "message_count", false, kKept},
    {"conversations", "last_message_at", true, kKept},
    {"conversations", "last_message_index", true, kKept},
    {"conversations", "activity_minute", false, "the order of lists, see decision 0010"},
    {"messages", "message_index", false, "the position that analyses point at"},
    {"messages", "external_id", true, kExternalId},
    {"messages", "revision", false, kRevision},
    {"messages", "deleted_at", true, kTombstone},
    {"agents", "external_id", true, kExternalId},
    {"agents", "email_lookup", true, "the email in the form in which it is looked up"},
    {"agents", "phone_number_lookup", true,
     "the phone number in the form in which it is looked up"},
    {"agents", "revision", false, kRevision},
    {"agents", "deleted_at", true, kTombstone},
    {"analytics", "revision", false, kRevision},
    {"analytics", "deleted_at", true, kTombstone},
    {"events", "alma_internal_organization", false, kTenant},
    {"events", "origin", true, "the source that external_id is of"},
    {"events", "external_id", true, kExternalId},
    {"events", "revision", false, kRevision},
    {"events", "deleted_at", true, kTombstone},
    {"follow_up", "alma_internal_organization", false, kTenant},
    {"follow_up", "revision", false, kRevision},
    {"follow_up", "deleted_at", true, kTombstone},
};

// A table that the description does not have, and why it is there.
const std::map<std::string, const char*> kOwnTables = {
    {"schema_migrations", "the steps that have been applied"},
    {"revisions", "counts each organization's writes"},
    {"change_sequence", "counts the changes of organizations and keys"},
    {"key_audit", "who changed which key or organization, when, and to what"},
    {"conversation_participants", "who is and was on a conversation"},
};

// Of each table its columns, as "name null" or "name not null".
using Tables = std::map<std::string, std::set<std::string>>;

std::string Described(const std::string& column, bool nullable) {
  return absl::StrCat(column, nullable ? " null" : " not null");
}

// "apiKeyName" is api_key_name.
std::string SnakeCase(std::string_view name) {
  std::string snake;
  for (const char c : name) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c))) snake.push_back('_');
    snake.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  return snake;
}

// A title such as "- messages table (part of conversations db)" or "- agents db", then a line with
// the columns: "name (str) | internal (bool, not null)".
Tables Reference() {
  Tables tables;
  std::ifstream file(ALMA_SOURCE_DIR "/tests/data/data-model.txt");
  std::string table;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("- ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      table = absl::AsciiStrToLower(words[1]);
    }
    if (!absl::StrContains(line, " | ")) continue;
    for (const std::string& column : std::vector<std::string>(absl::StrSplit(line, '|'))) {
      const std::vector<std::string> parts = absl::StrSplit(column, absl::MaxSplits('(', 1));
      const bool required = absl::StrContains(parts.at(1), "not null") ||
                            absl::StrContains(parts.at(1), "primary key");
      std::string name = parts[0];
      absl::StripAsciiWhitespace(&name);
      tables[table].insert(Described(SnakeCase(name), !required));
    }
  }
  return tables;
}

// What each of the tables that are there has to be.
Tables Expected(const Tables& there) {
  Tables expected;
  for (auto& [table, columns] : Reference()) {
    if (there.count(table) == 1) expected[table] = columns;
  }
  for (const Addition& addition : kAdditions) {
    if (there.count(addition.table) == 0) continue;
    expected[addition.table].insert(Described(addition.column, addition.nullable));
  }
  return expected;
}

// The tables of a database, without our own.
void Read(db::Engine engine, const db::Schema& schema, Tables* tables) {
  testing::TestDatabase database(engine, schema);
  const std::string sql =
      engine == db::Engine::kSqlite
          ? "select tables.name, columns.name, columns.\"notnull\" = 0 from sqlite_master as "
            "tables join pragma_table_info(tables.name) as columns where tables.type = 'table'"
          : "select cast(table_name as text), cast(column_name as text), is_nullable = 'YES' "
            "from information_schema.columns where table_schema = current_schema()";
  Ok(database->Read(absl::Now() + absl::Seconds(30), [&](db::Session& session) {
    return session.Query(sql, {}, [&](db::Row& row) {
      const std::string table(row.Text());
      const std::string column(row.Text());
      const std::string described = Described(column, row.Bool());
      if (kOwnTables.count(table) == 0) (*tables)[table].insert(described);
    });
  }));
}

TEST_CASE("every table has the columns of the data model and what is listed here besides") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Tables tables;
  for (const db::Schema* schema : kSchemas) Read(engine, *schema, &tables);
  const Tables expected = Expected(tables);
  for (const auto& [table, columns] : tables) {
    INFO(table);
    REQUIRE(expected.count(table) == 1);
    CHECK(columns == expected.at(table));
  }
}

TEST_CASE("every table of the data model is there") {
  Tables tables;
  for (const db::Schema* schema : kSchemas) Read(db::Engine::kSqlite, *schema, &tables);
  for (const auto& [table, columns] : Reference()) {
    INFO(table);
    CHECK(tables.count(table) == 1);
  }
}

TEST_CASE("the data model is read as it is written") {
  const Tables reference = Reference();
  std::vector<std::string> tables;
  for (const auto& [table, columns] : reference) tables.push_back(table);
  CHECK(tables == std::vector<std::string>{"agents", "analytics", "authorization", "conversations",
                                           "events", "follow_up", "messages", "organizations"});
  CHECK(reference.at("agents") == std::set<std::string>{"uuid not null", "name null", "email null",
                                                        "phone_number null", "other_info null",
                                                        "internal not null", "origin not null",
                                                        "alma_internal_organization not null"});
  CHECK(reference.at("authorization").count("api_key_name not null") == 1);
  CHECK(reference.at("messages").size() == 13);
}

TEST_CASE("an addition to the data model is no column that it has") {
  const Tables reference = Reference();
  for (const Addition& addition : kAdditions) {
    INFO(addition.table << "." << addition.column << ": " << addition.reason);
    REQUIRE(reference.count(addition.table) == 1);
    CHECK(reference.at(addition.table).count(Described(addition.column, true)) == 0);
    CHECK(reference.at(addition.table).count(Described(addition.column, false)) == 0);
  }
}

}  // namespace
}  // namespace alma
