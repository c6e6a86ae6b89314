#pragma once

#include <string_view>

#include "absl/types/span.h"

namespace alma::db {

// One step of a database's history: a single DDL statement, with the placeholders of Dialect::Ddl.
// Steps are only ever added, at the end; ids count up from 1.
struct Step {
  int id;
  std::string_view name;
  std::string_view sql;
  // The oldest last step of a binary that still works on a database which has this step.
  int oldest_binary;
};

// A database of the seed and all the steps that this binary knows.
struct Schema {
  std::string_view database;
  absl::Span<const Step> steps;

  int LastStep() const { return steps.empty() ? 0 : steps.back().id; }
};

}  // namespace alma::db
