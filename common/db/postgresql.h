#pragma once

#include "common/db/dialect.h"

namespace alma::db {

// Reached through Dialect::For.
const Dialect& Postgresql();

}  // namespace alma::db
