// SPDX-License-Identifier: MIT
// Which executions of a model are tried.
//
//   exhaustively  depth first through all choices, with at most so many preemptions and so many
//                 stale reads in one execution; few of both first, so that what fails is short
//   at random     each thread has a priority, the highest runs, and at a few random points the one
//                 that runs falls to the lowest; no bounds
//
// Bounds are what makes this feasible: most faults of this kind need one or two preemptions.
#pragma once

#include "execution.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace model {

struct definition {
  const char* name;
  void (*body)();
  bounds limits;
};

/// All models, in the order of their names.
std::vector<definition>& definitions();

struct verdict {
  bool failed = false;
  bool exhausted = false;  // all within the bounds was tried
  std::uint64_t executions = 0;
  std::uint64_t random_runs = 0;
  std::string replay;  // of the failure
  execution::outcome failure;
};

verdict explore(const definition& model, order_filter* filter, std::uint64_t seed);
verdict replay(const definition& model, const std::string& choices);

/// The interleaving of the last execution, a line for each step.
void print_trace(const execution::outcome& failure);

}  // namespace model
