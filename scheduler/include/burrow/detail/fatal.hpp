// SPDX-License-Identifier: MIT
// The end of a program that cannot go on: misuse that Go makes fatal, and broken invariants.
#pragma once

#include <source_location>

namespace burrow::detail {

/// Prints "fatal error: SENTENCE" and the goroutines of this process, the one that called this
/// first, then exits with status 2. No destructor and no atexit handler runs, as in Go.
[[noreturn]] void fatal(const char* sentence) noexcept;
/// The same, with the place in the program that is at fault.
[[noreturn]] void fatal(const char* sentence, std::source_location where) noexcept;

/// Ends the program in a process that was forked without exec from one whose runtime was running.
[[noreturn]] void fatal_in_forked_child() noexcept;

/// A broken invariant of burrow itself. Cheap checks stay on in every build.
[[noreturn]] void broken_invariant(const char* what, const char* file, int line) noexcept;

}  // namespace burrow::detail

#define BURROW_ASSERT(condition, sentence) \
  ((condition) ? void() : ::burrow::detail::broken_invariant(sentence, __FILE__, __LINE__))
