#pragma once

#include "absl/status/status.h"

// The commands of `alma`. Each reads its flags and runs to its end; errors are for the operator.
// INVALID_ARGUMENT is wrong usage.
namespace alma {

// All services in one process, until SIGTERM or SIGINT.
absl::Status Serve();

// Makes the first organization and its key, which has every scope, and prints both as JSON, the key
// for the only time. FAILED_PRECONDITION where an organization exists already.
absl::Status Bootstrap();

// Brings the databases to the schema of this binary and prints a line per step: database, id, name,
// `applied` or `pending`.
absl::Status Migrate();

// Prints the value of the metadata entry `alma-principal-bin`, in base64, with which --organization
// calls a service without a gateway.
absl::Status PrintPrincipal();

}  // namespace alma
