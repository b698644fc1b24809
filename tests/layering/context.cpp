// expect-clang: file not found
// expect-gcc: No such file
// The Context knows no channel. SPDX-License-Identifier: MIT
#ifdef CONTROL
#include <burrow/context.hpp>
#else
#include <burrow/chan.hpp>
#endif
