# Libraries, all from Debian 12. alma_libraries carries those that common/ is built on.

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(ZLIB REQUIRED)

# Those that every call goes through are linked statically: shared, they cost a tenth of its time
# (docs/decisions/0036-static-libraries.md). Sanitizers' programs link sooner with shared ones.
set(suffixes "${CMAKE_FIND_LIBRARY_SUFFIXES}")
if(NOT ALMA_SANITIZE)
  list(PREPEND CMAKE_FIND_LIBRARY_SUFFIXES ".a")
endif()
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)

# Debian ships SOCI without a CMake configuration.
find_path(SOCI_INCLUDE_DIR soci/soci.h REQUIRED)
find_library(SOCI_CORE_LIBRARY soci_core REQUIRED)
find_library(SOCI_SQLITE3_LIBRARY soci_sqlite3 REQUIRED)
find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql REQUIRED)

# The configurations of gRPC and abseil know their shared libraries only.
if(NOT ALMA_SANITIZE)
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  list(FILTER imported INCLUDE REGEX "^(gRPC|absl)::")
  foreach(target IN LISTS imported)
    get_target_property(shared ${target} IMPORTED_LOCATION_NONE)
    if(shared MATCHES "\\.so[.0-9]*$")
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${shared}")
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_NONE "${archive}")
    endif()
  endforeach()
endif()

add_library(alma_libraries INTERFACE)
target_include_directories(alma_libraries SYSTEM INTERFACE
  "${SOCI_INCLUDE_DIR}" ${PostgreSQL_INCLUDE_DIRS})
target_link_libraries(alma_libraries INTERFACE
  gRPC::grpc++ protobuf::libprotobuf
  absl::any_invocable absl::bind_front absl::cleanup absl::cord
  absl::flags absl::flags_parse absl::flags_usage absl::flat_hash_map absl::flat_hash_set
  absl::function_ref absl::hash absl::inlined_vector absl::node_hash_map absl::random_random
  absl::span absl::status absl::statusor absl::str_format absl::strings absl::synchronization absl::time
  "${SOCI_SQLITE3_LIBRARY}" "${SOCI_POSTGRESQL_LIBRARY}" "${SOCI_CORE_LIBRARY}"
  PostgreSQL::PostgreSQL SQLite::SQLite3
  OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
  spdlog::spdlog prometheus-cpp::pull Threads::Threads)

# Sanitizers bring an allocator of their own.
if(NOT ALMA_SANITIZE)
  find_library(TCMALLOC_LIBRARY tcmalloc_minimal REQUIRED)
  target_link_libraries(alma_libraries INTERFACE "${TCMALLOC_LIBRARY}")
endif()
set(CMAKE_FIND_LIBRARY_SUFFIXES "${suffixes}")
