#include "common/tenant/list_query.h"

#include "tests/common/db/items.h"
#include "tests/common/tenant/notes.h"
#include "tests/support/bulk.h"

namespace alma::tenant {
namespace {

using testing::kOurs;
using testing::kTheirs;
using testing::NthTime;
using testing::NthTimestamp;
using testing::NthUuid;

using Uuids = std::vector<std::string>;

// Ten notes a second apart; 3 to 5 of origin "erp", 4 deleted.
constexpr char kFill[] =
    "insert into notes (alma_internal_organization, uuid, content, content_size, created_at, "
    "updated_at, origin, message_index, revision, deleted_at) "
    "select $ORGANIZATION, $UUID, '', 0, $TIME, $TIME, "
    "case when i between 3 and 5 then 'erp' else 'crm' end, i, i + 1, "
    "case when i = 4 then $TIME end from numbers";

struct Filled {
  explicit Filled(db::Engine engine) : database(engine, NoteSchema()) {
    testing::InsertRows(*database, kFill, 10);
  }

  Uuids Read(const ListRange& range, const db::Position& after = {}, int64_t limit = 100) {
    const ListQuery query = range.Behind(after, limit);
    INFO(query.sql);
    Uuids uuids;
    testing::Ok(database->Read(testing::Soon(), [&](db::Session& session) {
      return session.Query(query.sql, query.params,
                           [&](db::Row& row) { uuids.emplace_back(row.Text()); });
    }));
    return uuids;
  }

  testing::TestDatabase database;
};

// The uuids from `first` to `last`, down where that is the smaller one.
Uuids Nth(int first, int last) {
  Uuids uuids;
  const int step = first <= last ? 1 : -1;
  for (int n = first; n != last + step; n += step) uuids.push_back(NthUuid(n));
  return uuids;
}

ListRange ByTime(bool descending) {
  ListRange range("notes", "notes.uuid", kOurs);
  range.OrderBy({"created_at", "uuid"}, descending);
  return range;
}

bool Bounds(const ListQuery& query, const std::string& name) {
  return query.sql.find(":" + name) != std::string::npos;
}

TEST_CASE("a list is of one organization in its order up to its limit") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Filled filled(engine);
  CHECK(filled.Read(ByTime(false)) == Nth(0, 9));
  CHECK(filled.Read(ByTime(true)) == Nth(9, 0));
  CHECK(filled.Read(ByTime(false), {}, 3) == Nth(0, 2));
  ListRange theirs("notes", "notes.uuid", kTheirs);
  theirs.OrderBy({"uuid"}, false);
  CHECK(filled.Read(theirs).empty());
}

TEST_CASE("a list goes on behind a position whose time others share") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Filled filled(engine);
  testing::ExecuteSql(*filled.database, "update notes set created_at = '" + NthTime(5) + "'");
  CHECK(filled.Read(ByTime(false), {NthTime(5), NthUuid(6)}) == Nth(7, 9));
  CHECK(filled.Read(ByTime(true), {NthTime(5), NthUuid(3)}) == Nth(2, 0));
  CHECK(filled.Read(ByTime(false), {NthTime(5), NthUuid(9)}).empty());
}

TEST_CASE("a list is filtered by equal columns and by conditions") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Filled filled(engine);
  ListRange range = ByTime(false);
  range.Where("origin", "erp");
  CHECK(filled.Read(range) == Nth(3, 5));
  CHECK(filled.Read(range, {NthTime(3), NthUuid(3)}) == Nth(4, 5));
  range.Filter("deleted_at is null");
  CHECK(filled.Read(range) == Uuids{NthUuid(3), NthUuid(5)});
  range.Where("uuid", NthUuid(5));
  CHECK(filled.Read(range) == Nth(5, 5));
}

TEST_CASE("a range holds its first time and not its last") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  const bool descending = GENERATE(false, true);
  CAPTURE(descending);
  Filled filled(engine);
  const auto from = NthTimestamp(2);
  const auto to = NthTimestamp(7);
  const auto read = [&](const auto* first, const auto* last, const db::Position& after = {}) {
    ListRange range = ByTime(descending);
    range.Within(first, last);
    return filled.Read(range, after);
  };
  const google::protobuf::Timestamp* open = nullptr;
  CHECK(read(&from, &to) == (descending ? Nth(6, 2) : Nth(2, 6)));
  CHECK(read(&from, open) == (descending ? Nth(9, 2) : Nth(2, 9)));
  CHECK(read(open, &to) == (descending ? Nth(6, 0) : Nth(0, 6)));
  CHECK(read(open, open) == (descending ? Nth(9, 0) : Nth(0, 9)));
  CHECK(read(&to, &from).empty());
  CHECK(read(&from, &to, {NthTime(4), NthUuid(4)}) == (descending ? Nth(3, 2) : Nth(5, 6)));
}

TEST_CASE("a position takes the place of the bound that it lies behind") {
  const auto time = NthTimestamp(5);
  const db::Position after = {NthTime(5), NthUuid(5)};
  for (const bool descending : {false, true}) {
    CAPTURE(descending);
    ListRange range = ByTime(descending);
    range.Within(&time, &time);
    const ListQuery first = range.Behind({}, 1);
    CHECK(Bounds(first, "range_from"));
    CHECK(Bounds(first, "range_to"));
    const ListQuery next = range.Behind(after, 1);
    CHECK(Bounds(next, "range_from") == descending);
    CHECK(Bounds(next, "range_to") == !descending);
    CHECK(next.params.size() == first.params.size() + 1);
  }
}

TEST_CASE("a range of times that may be missing leaves out the rows without one") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Filled filled(engine);
  const auto deleted = [](const google::protobuf::Timestamp* from,
                          const google::protobuf::Timestamp* to) {
    ListRange range("notes", "notes.uuid", kOurs);
    range.OrderBy({"deleted_at", "uuid"}, /*descending=*/false);
    range.WithinSet(from, to);
    return range;
  };
  const auto fourth = NthTimestamp(4);
  const auto fifth = NthTimestamp(5);
  CHECK(filled.Read(deleted(nullptr, nullptr)) == Nth(4, 4));
  CHECK(filled.Read(deleted(&fourth, nullptr)) == Nth(4, 4));
  CHECK(filled.Read(deleted(&fifth, nullptr)).empty());
  CHECK(filled.Read(deleted(nullptr, &fifth)) == Nth(4, 4));
  CHECK(filled.Read(deleted(nullptr, &fourth)).empty());
  CHECK(filled.Read(deleted(nullptr, nullptr), {NthTime(4), NthUuid(3)}) == Nth(4, 4));
  CHECK(filled.Read(deleted(nullptr, nullptr), {NthTime(4), NthUuid(4)}).empty());
}

}  // namespace
}  // namespace alma::tenant
