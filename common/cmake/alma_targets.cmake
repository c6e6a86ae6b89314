# The functions that the CMakeLists.txt of the folders are made of.

# Generates C++ from PROTOS (paths as an import statement writes them, each looked up in IMPORT_DIRS).
#   NAME          messages; whatever links it holds every descriptor, which reflection serves
#   NAME_stubs    generated service classes and client stubs, where there are services
#   NAME_sources  builds the generated sources alone
function(alma_proto_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "IMPORT_DIRS;PROTOS")
  set(out "${PROJECT_BINARY_DIR}/generated/proto")
  file(MAKE_DIRECTORY "${out}")
  list(TRANSFORM arg_IMPORT_DIRS PREPEND "--proto_path=" OUTPUT_VARIABLE import_flags)

  foreach(proto IN LISTS arg_PROTOS)
    unset(file)
    find_file(file "${proto}" PATHS ${arg_IMPORT_DIRS} NO_CACHE NO_DEFAULT_PATH REQUIRED)
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    set(outputs "${out}/${stem}.pb.cc" "${out}/${stem}.pb.h")
    set(grpc_flags "")
    list(APPEND messages "${out}/${stem}.pb.cc")
    # A file that gains or loses its service changes what protoc writes.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(STRINGS "${file}" services REGEX "^service ")
    if(services)
      # First, as protoc names them in the dependency file: Ninja compares the first output only.
      list(PREPEND outputs "${out}/${stem}.grpc.pb.cc" "${out}/${stem}.grpc.pb.h")
      list(APPEND stubs "${out}/${stem}.grpc.pb.cc")
      set(grpc_flags "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>"
                     "--grpc_out=${out}")
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND protobuf::protoc ${import_flags} "--cpp_out=${out}" ${grpc_flags}
              "--dependency_out=${out}/${stem}.d" "${file}"
      DEPENDS "${file}"
      DEPFILE "${out}/${stem}.d"
      COMMENT "protoc ${proto}"
      VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()

  add_custom_target(${name}_sources DEPENDS ${generated})
  add_library(${name}_messages STATIC ${messages})
  target_include_directories(${name}_messages SYSTEM PUBLIC "${out}")
  target_link_libraries(${name}_messages PUBLIC protobuf::libprotobuf)
  add_dependencies(${name}_messages ${name}_sources)

  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,${name}_messages>)

  if(stubs)
    add_library(${name}_stubs STATIC EXCLUDE_FROM_ALL ${stubs})
    target_link_libraries(${name}_stubs PUBLIC ${name} gRPC::grpc++)
    add_dependencies(${name}_stubs ${name}_sources)
  endif()
endfunction()

# Library alma_NAME from services/NAME/*.cc without main.cc, and from main.cc the executable alma-NAME,
# or PROGRAM. LIBRARIES are linked besides alma_common.
function(alma_service name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROGRAM" "LIBRARIES")
  if(NOT arg_PROGRAM)
    set(arg_PROGRAM "alma-${name}")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  set(main "${CMAKE_CURRENT_SOURCE_DIR}/main.cc")
  list(FIND sources "${main}" main_index)
  list(REMOVE_ITEM sources "${main}")

  add_library(alma_${name} STATIC ${sources})
  target_link_libraries(alma_${name} PUBLIC alma_common ${arg_LIBRARIES})
  alma_warnings(alma_${name})
  alma_reuse_pch(alma_${name} alma_common)
  if(NOT main_index EQUAL -1)
    add_executable(${arg_PROGRAM} "${main}")
    target_link_libraries(${arg_PROGRAM} PRIVATE alma_${name})
    alma_warnings(${arg_PROGRAM})
    alma_reuse_pch(${arg_PROGRAM} alma_common)
  endif()
endfunction()

# Lets TARGET use OWNER's precompiled header.
function(alma_reuse_pch target owner)
  if(ALMA_PCH)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# One Catch2 binary from SOURCES, which may use tests/support and LIBRARIES; ctest gets each of its test
# cases by name. TIMEOUT and LONG_TIMEOUT are seconds per test case, the latter for those tagged [long],
# which run alone and carry the ctest label `long`. Each test case finds a PostgreSQL in
# $ALMA_TEST_POSTGRES (a URL), the built programs in $ALMA_BIN_DIR and grpcurl in $PATH.
function(alma_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;LONG_TIMEOUT" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE alma_test_support ${arg_LIBRARIES} Catch2::Catch2WithMain)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  alma_warnings(${name})
  alma_reuse_pch(${name} alma_test_support)

  set(properties
    FIXTURES_REQUIRED postgres
    ENVIRONMENT "ALMA_TEST_POSTGRES=${ALMA_TEST_POSTGRES}"
    ENVIRONMENT_MODIFICATION "ALMA_BIN_DIR=set:${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  # A test case that asserts nothing fails.
  set(strict EXTRA_ARGS -w NoAssertions)
  catch_discover_tests(${name} TEST_SPEC "~[long]" ${strict} TEST_LIST ${name}_short
    PROPERTIES ${properties} TIMEOUT ${arg_TIMEOUT})
  catch_discover_tests(${name} TEST_SPEC "[long]" ${strict} TEST_LIST ${name}_long
    PROPERTIES ${properties} TIMEOUT ${arg_LONG_TIMEOUT} LABELS long)
endfunction()
