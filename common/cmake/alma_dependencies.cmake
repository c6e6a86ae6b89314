# Libraries, all from Debian 12. alma_libraries carries those that common/ is built on.

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)

# Debian ships SOCI without a CMake configuration.
find_path(SOCI_INCLUDE_DIR soci/soci.h REQUIRED)
find_library(SOCI_CORE_LIBRARY soci_core REQUIRED)
find_library(SOCI_SQLITE3_LIBRARY soci_sqlite3 REQUIRED)
find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql REQUIRED)

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
