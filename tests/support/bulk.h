#pragma once

#include <string>
#include <string_view>

#include "common/db/database.h"
#include "google/protobuf/timestamp.pb.h"

// Many rows of kOurs in seconds: a statement for each table, past the stores, into an empty
// database.
namespace alma::testing {

// Runs `sql` in a transaction of its own; the test case fails where it does.
void ExecuteSql(db::Database& database, std::string_view sql);

// Runs an `insert into … select … from numbers`, where `numbers` has a row for each i from 0 to
// `rows` - 1, with the placeholders of Dialect::Ddl and these:
//   $ORGANIZATION  kOurs
//   $UUID          NthUuid(i)
//   $TIME          NthTime(i)
void InsertRows(db::Database& database, std::string_view sql, int rows);

// The times of bulk rows, ascending, a second apart, and as a Position has them.
google::protobuf::Timestamp NthTimestamp(int n);
std::string NthTime(int n);

// Lets the engine count, as it would by itself in time.
void Analyze(db::Database& database, std::string_view table);

}  // namespace alma::testing
