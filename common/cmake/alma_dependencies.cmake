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
set(archives
  Protobuf_LIBRARY_RELEASE SQLite3_LIBRARY SOCI_CORE_LIBRARY SOCI_SQLITE3_LIBRARY
  SOCI_POSTGRESQL_LIBRARY)
if(NOT ALMA_SANITIZE)
  set(CMAKE_FIND_LIBRARY_SUFFIXES ".a")
  list(APPEND archives TCMALLOC_LIBRARY)
  # What a folder that was configured before remembers may be shared.
  foreach(archive IN LISTS archives)
    if(NOT "$CACHE{${archive}}" MATCHES "\\.a$")
      unset(${archive} CACHE)
    endif()
  endforeach()
endif()
find_package(Protobuf REQUIRED)
find_package(SQLite3 REQUIRED)
# Debian ships SOCI without a CMake configuration.
find_path(SOCI_INCLUDE_DIR soci/soci.h REQUIRED)
find_library(SOCI_CORE_LIBRARY soci_core REQUIRED)
find_library(SOCI_SQLITE3_LIBRARY soci_sqlite3 REQUIRED)
find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql REQUIRED)
if(NOT ALMA_SANITIZE)
  find_library(TCMALLOC_LIBRARY tcmalloc_minimal REQUIRED)
endif()
set(CMAKE_FIND_LIBRARY_SUFFIXES "${suffixes}")
# What gRPC stands on and is not found yet stays shared.
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)

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

if(NOT ALMA_SANITIZE)
  # Sanitizers bring an allocator of their own.
  target_link_libraries(alma_libraries INTERFACE "${TCMALLOC_LIBRARY}")

  set(paths "")
  foreach(archive IN LISTS archives)
    list(APPEND paths "${${archive}}")
  endforeach()
  # The configurations of gRPC and abseil know their shared libraries only.
  get_property(imported DIRECTORY PROPERTY IMPORTED_TARGETS)
  list(FILTER imported INCLUDE REGEX "^(gRPC|absl)::")
  foreach(target IN LISTS imported)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "SHARED_LIBRARY")
      get_target_property(shared ${target} IMPORTED_LOCATION_NONE)
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" path "${shared}")
      set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_NONE "${path}")
      list(APPEND paths "${path}")
    endif()
  endforeach()

  # A package's files keep the time at which Debian made them, which is often before that of a program
  # that holds the version before: so programs are linked anew when what is in the archives changes.
  set(contents "")
  foreach(path IN LISTS paths)
    if(NOT path MATCHES "\\.a$" OR NOT EXISTS "${path}")
      message(FATAL_ERROR "'${path}' is no archive; deploy/packages build installs all of them")
    endif()
    file(SHA256 "${path}" digest)
    string(APPEND contents "${digest}  ${path}\n")
  endforeach()
  set(linked "${PROJECT_BINARY_DIR}/archives.sha256")
  file(CONFIGURE OUTPUT "${linked}" CONTENT "${contents}" @ONLY)
  set_target_properties(alma_libraries PROPERTIES INTERFACE_LINK_DEPENDS "${linked}")
endif()
