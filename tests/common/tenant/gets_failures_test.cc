#include <string>
#include <vector>

#include "common/status/status.h"
#include "tests/common/db/items.h"
#include "tests/common/tenant/asking.h"

// Gets that share a read with what fails in the database.
namespace alma::tenant {
namespace {

using testing::Execute;
using testing::NthUuid;
using testing::Ok;
using testing::ReasonOf;
using testing::Us;

TEST_CASE("a database that is away is UNAVAILABLE to all that were read together and comes back") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Fill(stored.notes, Us(), 3);
  const std::vector<Asked> asked = AllOf({NthUuid(0), NthUuid(1), NthUuid(2), NthUuid(3)});
  REQUIRE(Ok(AskTogether(stored.notes, asked)[2]).uuid() == NthUuid(2));
  REQUIRE(Execute(*stored.database, "alter table notes rename to away").ok());
  for (const Answer& answer : AskTogether(stored.notes, asked)) {
    CHECK(answer.status() == status::DatabaseUnavailable());
  }
  REQUIRE(Execute(*stored.database, "alter table away rename to notes").ok());
  const auto answers = AskTogether(stored.notes, asked);
  for (int i = 0; i < 3; ++i) CHECK(Ok(answers[i]).uuid() == NthUuid(i));
  CHECK(answers[3].status() == status::NotFound("note"));
}

TEST_CASE("gets whose connection died are read on a new one but for those given up meanwhile") {
  Stored stored(db::Engine::kPostgresql);
  Fill(stored.notes, Us(), 4);
  const auto database = testing::OpenAnother(*stored.database, 1);
  Store<Message> notes(*database, Notes());
  std::vector<Asked> asked = AllOf({NthUuid(0), NthUuid(1), NthUuid(2), NthUuid(3)});
  REQUIRE(Ok(AskTogether(notes, asked)[3]).uuid() == NthUuid(3));
  REQUIRE(testing::EndConnectionsOfOthers(*stored.database) == 1);
  // Looked at once more before the second try.
  int looked = 0;
  asked[1].check_admitted = [&] {
    return ++looked == 1 ? absl::OkStatus() : absl::CancelledError();
  };
  const auto answers = AskTogether(notes, asked);
  for (const int i : {0, 2, 3}) CHECK(Ok(answers[i]).uuid() == NthUuid(i));
  CHECK(absl::IsCancelled(answers[1].status()));
  CHECK(looked == 2);
}

TEST_CASE("a row that cannot be read is INTERNAL to its own caller alone") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Fill(stored.notes, Us(), 5);
  // No object.
  REQUIRE(Execute(*stored.database, "update notes set meta_data = '[1]' where uuid = :uuid",
                  {{"uuid", NthUuid(2)}})
              .ok());
  const auto answers = AskTogether(
      stored.notes, AllOf({NthUuid(0), NthUuid(7), NthUuid(2), NthUuid(8), NthUuid(4)}));
  CHECK(Ok(answers[0]).uuid() == NthUuid(0));
  CHECK(ReasonOf(answers[1].status()) == "NOT_FOUND");
  CHECK(answers[2].status() == status::Internal());
  CHECK(ReasonOf(answers[3].status()) == "NOT_FOUND");
  CHECK(Ok(answers[4]).uuid() == NthUuid(4));
}

TEST_CASE("an exception while a row is read is INTERNAL to its own caller alone") {
  const auto engine = GENERATE(db::Engine::kSqlite, db::Engine::kPostgresql);
  CAPTURE(engine);
  Stored stored(engine);
  Fill(stored.notes, Us(), 4);
  Message throws = NewNote("throws");
  throws.set_uuid(NthUuid(4));
  Ok(stored.notes.Create(Us(), throws));
  const Table<Message> table({
      .name = "notes",
      .resource = "note",
      .columns = {{.name = "content",
                   .read =
                       [](db::Row& row, Message& note) {
                         *note.mutable_content() = row.Text();
                         // Nothing that anybody knows.
                         if (note.content() == "throws") throw 1;
                       }}},
  });
  Store<Message> notes(*stored.database, table);
  const auto answers =
      AskTogether(notes, AllOf({NthUuid(0), NthUuid(7), NthUuid(4), NthUuid(8), NthUuid(3)}));
  CHECK(Ok(answers[0]).uuid() == NthUuid(0));
  CHECK(ReasonOf(answers[1].status()) == "NOT_FOUND");
  CHECK(answers[2].status() == status::Internal());
  CHECK(ReasonOf(answers[3].status()) == "NOT_FOUND");
  CHECK(Ok(answers[4]).uuid() == NthUuid(3));
}

}  // namespace
}  // namespace alma::tenant
