# SPDX-License-Identifier: MIT
#
# How burrow's own targets are built.

# burrow_own_code(TARGET): the warnings that burrow holds itself to. PRIVATE, all of it: nothing
# reaches the flags of a project that uses burrow.
function(burrow_own_code target)
  target_compile_options(
    ${target}
    PRIVATE -Wall -Wextra $<$<BOOL:${BURROW_WERROR}>:-Werror>
            # A project that names no build type still gets a runtime that is worth having.
            $<$<STREQUAL:$<CONFIG>,>:-O2>)
endfunction()

# burrow_module(NAME): the library burrow_NAME from NAME/include and NAME/src, called
# burrow::NAME by everyone else.
function(burrow_module name)
  set(target burrow_${name})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/burrow/*.hpp")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp")

  add_library(${target} STATIC ${sources})
  add_library(burrow::${name} ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(
    ${target}
    PROPERTIES EXPORT_NAME ${name}
               LINKER_LANGUAGE CXX
               # Programs may use the compiler's extensions; burrow itself does not.
               CXX_EXTENSIONS OFF
               # One generated source for each header, compiled by itself: the target
               # all_verify_interface_header_sets.
               VERIFY_INTERFACE_HEADER_SETS ${BURROW_BUILD_TESTS})
  burrow_own_code(${target})
endfunction()

# burrow_sanitize(TARGET): instruments TARGET and everything that links it; a program with half
# of its code instrumented reports races and overflows that are not there.
function(burrow_sanitize target)
  if(BURROW_SANITIZE STREQUAL "address")
    # vptr opens a pipe to look at memory, and there are tests without descriptors.
    set(flags -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all)
  elseif(BURROW_SANITIZE STREQUAL "thread")
    set(flags -fsanitize=thread)
  else()
    return()
  endif()
  if(BURROW_BUILD_FUZZERS)
    list(APPEND flags -fsanitize=fuzzer-no-link)
  endif()
  target_compile_options(${target} PUBLIC ${flags} -fno-omit-frame-pointer)
  target_link_options(${target} PUBLIC ${flags})
endfunction()
