#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/db/database.h"
#include "tests/support/database.h"
#include "tests/support/temporary_folder.h"

// A database with one table of every column type, for the tests of common/db.
namespace alma::testing {

const db::Schema& ItemSchema();

// What a call is given to finish, unless the deadline is the point of the test.
absl::Time Soon();

absl::Status Execute(db::Database& database, std::string_view sql, db::Params params = {});
absl::Status InsertItem(db::Session& session, int64_t id, std::string_view content = "x");
int64_t CountItems(db::Database& database);

// A Database of its own on what `database` is on, as another process has it.
std::unique_ptr<db::Database> OpenAnother(const db::Database& database, int sessions = 2);
std::unique_ptr<db::Database> OpenUrl(const std::string& url,
                                      const db::Schema& schema = ItemSchema());

// PostgreSQL: ends the connections of everything that OpenAnother made of `database`. Returns how
// many there were.
int64_t EndConnectionsOfOthers(db::Database& database);

// Where a database can be and none is yet; what is made there is gone at the end.
class EmptyPlace {
 public:
  explicit EmptyPlace(db::Engine engine);
  ~EmptyPlace();

  std::unique_ptr<db::Database> Open(const db::Schema& schema) const;

 private:
  TemporaryFolder folder_;
  db::Location location_;
};

}  // namespace alma::testing
