#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// RETURN_IF_ERROR(expr): evaluates `expr` (an absl::Status) once and returns it from the enclosing
// function unless it is OK.
#define RETURN_IF_ERROR(expr)                                   \
  do {                                                          \
    if (absl::Status alma_status = (expr); !alma_status.ok()) { \
      return alma_status;                                       \
    }                                                           \
  } while (false)

// ASSIGN_OR_RETURN(lhs, expr): evaluates `expr` (an absl::StatusOr<T>) once, returns its status
// from the enclosing function unless it is OK, and moves the value into `lhs`, which may be a
// declaration (`auto page`). It is several statements: not for an unbraced `if`. A comma in `lhs`
// outside parentheses is not possible.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ALMA_ASSIGN_OR_RETURN(ALMA_CONCAT(alma_status_or_, __COUNTER__), lhs, expr)

#define ALMA_ASSIGN_OR_RETURN(status_or, lhs, expr) \
  auto status_or = (expr);                          \
  if (!status_or.ok()) {                            \
    return std::move(status_or).status();           \
  }                                                 \
  lhs = *std::move(status_or)

#define ALMA_CONCAT(a, b) ALMA_CONCAT_EXPANDED(a, b)
#define ALMA_CONCAT_EXPANDED(a, b) a##b
