# SPDX-License-Identifier: MIT
#
# What burrow needs from the platform. Whatever cannot work is refused here, with a sentence.

if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
  message(FATAL_ERROR "burrow runs on Linux only; this build is for ${CMAKE_SYSTEM_NAME}.")
endif()

if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  message(FATAL_ERROR "burrow needs a 64-bit platform (x86-64 or arm64).")
endif()

# GCC 12 loses the awaited value of `switch (co_await ...)` in a scope without locals (PR106188),
# which is how every select loop is written. Clang before 18 writes to a coroutine's frame after
# another thread may have resumed it (llvm issue 56301).
set(burrow_compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 18))
  message(
    FATAL_ERROR
      "burrow needs Clang 18 or later, or GCC 13 or later: ${burrow_compiler} miscompiles "
      "coroutines. Configure with another compiler, for instance "
      "-DCMAKE_CXX_COMPILER=clang++-19.")
elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$")
  message(
    FATAL_ERROR "burrow is built with Clang (18 or later) or GCC (13 or later), not with "
                "${burrow_compiler}. Configure with -DCMAKE_CXX_COMPILER=clang++-19.")
endif()

if(NOT BURROW_SANITIZE MATCHES "^(address|thread|)$")
  message(FATAL_ERROR "BURROW_SANITIZE is empty, \"address\" or \"thread\", "
                      "not \"${BURROW_SANITIZE}\".")
endif()

list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(liburing REQUIRED)
