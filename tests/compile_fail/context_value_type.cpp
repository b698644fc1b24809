// expect-clang: no matching function for call to 'with_value'
// expect-gcc: could not convert
// SPDX-License-Identifier: MIT
//
// A value of another type than the key's.
#include <burrow/context.hpp>

#include <string>

using namespace burrow;

inline constexpr context_key<std::string> text_key{"text"};

context body() {
#ifdef CONTROL
  return with_value(background(), text_key, "seven");
#else
  return with_value(background(), text_key, std::nullopt);
#endif
}
