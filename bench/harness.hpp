// SPDX-License-Identifier: MIT
//
// What burrow's benchmarks share: repetitions of a coroutine, and the list of the benchmarks.
#pragma once

#include <burrow/burrow.hpp>

#include <string>
#include <utility>
#include <vector>

#include "measure.hpp"

namespace bench {

/// Runs `once`, a coroutine that returns the value of one repetition, `times` times and reports.
template <class F>
burrow::task<> repeat(std::string name, const char* unit, F once, int times = config().reps,
                      better which = better::lower) {
  std::vector<double> values;
  for (int i = 0; i < times; ++i) {
    double value = co_await once();
    values.push_back(value);
  }
  report(name, values, unit, which);
}

// The benchmarks, each in the file of its name or of its kind.
burrow::task<> spawn();
burrow::task<> yield();
burrow::task<> pingpong();
burrow::task<> sieve();
burrow::task<> channels();
burrow::task<> selects();
burrow::task<> contexts();
burrow::task<> cancellation();
burrow::task<> timers();
burrow::task<> skynet();
burrow::task<> fork();
burrow::task<> memory();
burrow::task<> echoes();
burrow::task<> sockets();
burrow::task<> cancel_io();
burrow::task<> accepts();
burrow::task<> file_reads();
burrow::task<> http_hello();
burrow::task<> idle();
burrow::task<> sync();
burrow::task<> fib39();
burrow::task<> nqueens();
burrow::task<> skynet100m();

}  // namespace bench
