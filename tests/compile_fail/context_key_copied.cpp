// expect-clang: call to deleted constructor
// expect-gcc: use of deleted function
// SPDX-License-Identifier: MIT
//
// A key is known by its address: a copy would be another key.
#include <burrow/context.hpp>

using namespace burrow;

inline constexpr context_key<int> number_key{"number"};

const int* body(const context& ctx) {
#ifdef CONTROL
  const auto& key = number_key;
#else
  const auto key = number_key;
#endif
  return ctx.value(key);
}
