// SPDX-License-Identifier: MIT
// A child that is abandoned while it waits, for tests of rule 5.
#pragma once

#include "run_test.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

/// Writes to a log when it is destroyed.
struct logs {
  std::vector<std::string>& log;
  std::string text;
  ~logs() { log.push_back(text); }
};

/// Runs `child()` in a scope, fails the scope once the child waits, and tells how the child ended:
/// "exit" or "went on". The scope must give the error that failed it.
template <class F>
burrow::task<std::string> abandoned(F child) {
  std::string ending;
  std::string thrown;
  try {
    co_await burrow::scope([&ending, &child](burrow::group& g) -> burrow::task<> {
      g.go(
          [](F& f, std::string& how) -> burrow::task<> {
            try {
              co_await f();
              how = "went on";
            } catch (const burrow::goroutine_exit&) {
              how = "exit";
              throw;
            }
          },
          std::ref(child), std::ref(ending));
      co_await until_quiet();
      throw std::runtime_error("failed");
    });
  } catch (const std::runtime_error& e) {
    thrown = e.what();
  }
  CHECK(thrown == "failed");
  co_return ending;
}
