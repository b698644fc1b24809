// SPDX-License-Identifier: MIT
// How often operator new was called. The program that uses this replaces operator new, in
// tests/alloc/count_test.cpp, so that the other programs of tests keep theirs.
#pragma once

#include <cstddef>

/// Calls of any operator new by all threads of this process so far.
std::size_t allocations() noexcept;

/// Blocks that operator new has given and that have not been given back.
std::size_t live_allocations() noexcept;

/// From now on the n-th allocation of at least `size` bytes throws std::bad_alloc, once; 0: none.
void fail_allocation(std::size_t n, std::size_t size = 0) noexcept;

/// Whether the failure that was asked for is still to come.
bool allocation_is_to_fail() noexcept;
