// SPDX-License-Identifier: MIT
// What a program of the system prints; it runs on a thread that may block.
#pragma once

#include <burrow/burrow.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

inline bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

/// Its standard output, of what the shell makes of `command`.
inline burrow::task<std::string> output_of(std::string command) {
  co_return co_await burrow::blocking([command] {
    std::string all;
    std::FILE* const out = ::popen(command.c_str(), "re");
    if (out == nullptr) return all;
    std::array<char, 4096> piece;
    for (std::size_t n = 0; (n = std::fread(piece.data(), 1, piece.size(), out)) > 0;) {
      all.append(piece.data(), n);
    }
    ::pclose(out);
    return all;
  });
}
