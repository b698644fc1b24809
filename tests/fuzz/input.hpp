// SPDX-License-Identifier: MIT
// What every fuzz target is made of: the bytes, read as choices, and what stops the program.
//
// Clang's FuzzedDataProvider would do for the bytes, but GCC, which replays the corpus too, has
// none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace fuzz {

class input {
 public:
  input(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}

  bool empty() const { return next_ == end_; }
  /// A number below n, at most 256; 0 where there are no bytes left.
  unsigned below(unsigned n) { return empty() ? 0 : *next_++ % n; }
  std::uint64_t bytes(unsigned count) {
    std::uint64_t number = 0;
    while (count-- > 0) number = number << 8 | below(256);
    return number;
  }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

/// Ends the program with `sentence` if it does not hold.
inline void expect(bool holds, const char* sentence) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: it does not hold that %s\n", sentence);
  std::abort();
}

}  // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
