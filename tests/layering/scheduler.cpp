// expect-clang: file not found
// expect-gcc: No such file
// The scheduler knows no Context. SPDX-License-Identifier: MIT
#ifdef CONTROL
#include <type_traits>
#else
#include <burrow/context.hpp>
#endif
