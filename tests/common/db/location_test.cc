#include "common/db/location.h"

#include <libpq-fe.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "catch2/catch.hpp"
#include "common/db/migration.h"
#include "tests/common/db/items.h"
#include "tests/support/temporary_folder.h"

namespace alma::db {
namespace {

using Options = std::map<std::string, std::string>;

// What libpq understands of a connection string.
Options Understood(const std::string& connection_string) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> parsed(
      PQconninfoParse(connection_string.c_str(), nullptr), PQconninfoFree);
  REQUIRE(parsed != nullptr);
  Options options;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) options[option->keyword] = option->val;
  }
  return options;
}

TEST_CASE("a SQLite folder holds a file for each database") {
  for (const char* url : {"sqlite:///data/alma/", "sqlite:///data/alma"}) {
    const auto location = ParseLocation(url, "events");
    REQUIRE(location.ok());
    CHECK(location->engine == Engine::kSqlite);
    CHECK(location->target == "/data/alma/events.db");
  }
  CHECK(ParseLocation("sqlite:///", "events")->target == "/events.db");
}

TEST_CASE("a SQLite path that ends in .db is the file") {
  CHECK(ParseLocation("sqlite:///data/x.db", "events")->target == "/data/x.db");
  CHECK(ParseLocation("sqlite:///data/x.db/", "events")->target == "/data/x.db/events.db");
}

TEST_CASE("a SQLite file is found under any name but one with a double quote") {
  const testing::TemporaryFolder folder;
  for (const char* name :
       {"a b", "a  b  c", "a=b", "k=v w=x", "it's", "\xC5\xBE", "%41", "a?b#c", "back\\slash"}) {
    CAPTURE(name);
    const std::string path = folder.path() + "/" + name;
    std::filesystem::create_directory(path);
    const auto database = testing::OpenUrl("sqlite://" + path + "/");
    CHECK(Migrate(*database, /*dry_run=*/false).ok());
    CHECK(std::filesystem::file_size(path + "/items.db") > 0);
  }
  CHECK(absl::IsInvalidArgument(ParseLocation("sqlite:///a\"b/", "events").status()));
}

TEST_CASE("a PostgreSQL URL reaches libpq with every value unchanged") {
  const auto location = ParseLocation(
      "postgresql://us%27er:p%20%27%5C%3D%22%25@h1:1,h2:2/"
      "d%20b?options=-c%20x%3Dy&connect_timeout=7",
      "events");
  REQUIRE(location.ok());
  CHECK(location->engine == Engine::kPostgresql);
  CHECK(location->schema == "events");
  CHECK(Understood(location->target) == Options{{"user", "us'er"},
                                                {"password", "p '\\=\"%"},
                                                {"host", "h1,h2"},
                                                {"port", "1,2"},
                                                {"dbname", "d b"},
                                                {"options", "-c x=y"},
                                                {"connect_timeout", "7"}});
  CHECK(Understood(ParseLocation("postgres:///d?host=/run/pg", "events")->target) ==
        Options{{"host", "/run/pg"}, {"dbname", "d"}});
}

TEST_CASE("what is no database URL is refused without repeating it") {
  for (const char* url : {"", "secret", "/data/secret", "sqlite:secret", "sqlite://secret/x",
                          "sqlite://", "mysql://secret", "postgresql://secret:pass@[",
                          "postgresql://h/d?secret=1", "postgresql://h/%zz-secret"}) {
    CAPTURE(url);
    const absl::Status refused = ParseLocation(url, "events").status();
    CHECK(absl::IsInvalidArgument(refused));
    CHECK(refused.message().find("secret") == absl::string_view::npos);
  }
}

}  // namespace
}  // namespace alma::db
