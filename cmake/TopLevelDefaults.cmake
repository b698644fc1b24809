# SPDX-License-Identifier: MIT
#
# What burrow chooses when it is built by itself and the user said nothing. Included before
# project(), and never when burrow is a part of another project: that one decides for itself.

# Plain `c++` on Debian 12 is GCC 12, which miscompiles coroutines (see Requirements.cmake).
if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX} AND NOT CMAKE_TOOLCHAIN_FILE)
  find_program(BURROW_DEFAULT_CXX clang++-19)
  mark_as_advanced(BURROW_DEFAULT_CXX)
  if(BURROW_DEFAULT_CXX)
    set(CMAKE_CXX_COMPILER "${BURROW_DEFAULT_CXX}" CACHE FILEPATH "C++ compiler")
  endif()
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type")
endif()

# Line tables cost nothing at run time, and let a crash or a profile name its lines.
if(NOT DEFINED CMAKE_CXX_FLAGS_RELEASE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -g1" CACHE STRING "Flags of a release build")
endif()

find_program(BURROW_CCACHE ccache)
mark_as_advanced(BURROW_CCACHE)
if(BURROW_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${BURROW_CCACHE}" CACHE STRING "Compiler launcher")
endif()

# clang-tidy, and editors, read build/<preset>/compile_commands.json.
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
