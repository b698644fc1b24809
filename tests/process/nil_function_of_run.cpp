// exit: 2
// stderr: fatal error: go of nil func value
// stderr: nil_function_of_run.cpp:11
// not-stderr: goroutine 1
// ids: G13
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

#include <functional>

int main() { return burrow::run(std::function<burrow::task<>()>()); }
