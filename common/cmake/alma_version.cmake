# Included: makes the target alma_version, which keeps alma_version.h up to date.
# Run as a script (cmake -D SOURCE=… -D OUTPUT=… -D VERSION=… -P): writes that header, only when it differs.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  add_custom_target(alma_version
    COMMAND "${CMAKE_COMMAND}" -D "SOURCE=${PROJECT_SOURCE_DIR}" -D "VERSION=${PROJECT_VERSION}"
            -D "OUTPUT=${PROJECT_BINARY_DIR}/generated/version/alma_version.h"
            -P "${CMAKE_CURRENT_LIST_FILE}"
    BYPRODUCTS "${PROJECT_BINARY_DIR}/generated/version/alma_version.h"
    COMMENT "alma_version.h"
    VERBATIM)
  return()
endif()

# --git-dir: a tree unpacked inside somebody else's repository must not take that one's commit.
execute_process(
  COMMAND git "--git-dir=${SOURCE}/.git" rev-parse --short=12 HEAD
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
if(failed)
  set(commit "unknown")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
#pragma once

namespace alma {

inline constexpr char kVersion[] = "@VERSION@";
inline constexpr char kCommit[] = "@commit@";

}  // namespace alma
]])
