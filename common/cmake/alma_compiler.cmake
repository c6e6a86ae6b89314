# Compiler options of every target: warnings, sanitizers, ccache.

add_compile_options(-fno-omit-frame-pointer "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")
if(ALMA_SANITIZE)
  # SOCI hides the type information that the vptr check needs; Clang's function check needs that of the
  # libraries' callbacks.
  add_compile_options("-fsanitize=${ALMA_SANITIZE}" -fno-sanitize-recover=all -fno-sanitize=vptr
    "$<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>")
  add_link_options("-fsanitize=${ALMA_SANITIZE}")
endif()

find_program(ALMA_CCACHE_PROGRAM ccache)
if(ALMA_CCACHE AND ALMA_CCACHE_PROGRAM)
  # Sloppiness: without it ccache refuses sources with a precompiled header. Base folder and no hashed
  # folder: clones at different paths share their objects (debug paths are already relative).
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=true
      "${ALMA_CCACHE_PROGRAM}")
  if(ALMA_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-fpch-preprocess)
  elseif(ALMA_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

# Warnings are for code written here; generated code and libraries go without. GCC 12's optimizer takes
# inlined std::string moves for overflows (GCC bugs 105329, 105651), hence those it may not report; with sanitizers it calls members of a std::variant uninitialized too.
function(alma_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Werror
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overread;-Wno-stringop-overflow>")
  if(ALMA_SANITIZE)
    target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>")
  endif()
  if(ALMA_SANITIZE MATCHES thread)
    # abseil's flags have a fence, of which ThreadSanitizer makes nothing.
    target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>")
  endif()
endfunction()
