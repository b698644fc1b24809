// SPDX-License-Identifier: MIT
//
// burrow's side of the benchmarks. The flags, the names and the output are those of
// peers/go/main.go; the number of workers is BURROW_PROCS, or else the CPUs that are allowed.
#include <cstdio>
#include <cstdlib>

#include "harness.hpp"

namespace bench {
namespace {

using body = burrow::task<> (*)();

constexpr std::array<benchmark<body>, 23> benchmarks{{
    {"spawn", spawn},
    {"yield", yield},
    {"pingpong", pingpong},
    {"sieve", sieve},
    {"chan", channels},
    {"select", selects},
    {"ctx", contexts},
    {"cancel", cancellation},
    {"timers", timers},
    {"skynet", skynet},
    {"fork", fork},
    {"memory", memory},
    {"echo", echoes},
    {"iosocket", sockets},
    {"cancel_io", cancel_io},
    {"accept", accepts},
    {"files", file_reads},
    {"http", http_hello},
    {"idle", idle},
    {"sync", sync},
    {"fib39", fib39, false},
    {"nqueens", nqueens, false},
    {"skynet100m", skynet100m, false},
}};

int worker_count() {
  if (config().workers > 0) return config().workers;
  const char* procs = std::getenv("BURROW_PROCS");
  return procs != nullptr ? std::atoi(procs) : allowed_cpus();
}

burrow::task<> run_in_turn(std::vector<body> bodies) {
  for (body b : bodies) co_await b();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  auto bodies = bench::chosen(argc, argv, bench::benchmarks);
  const char* io = std::getenv("BURROW_IO");
  std::printf("# burrow workers=%d io=%s reps=%d\n", bench::worker_count(),
              io != nullptr ? io : "auto", bench::config().reps);
  std::fflush(stdout);
  burrow::options options;
  options.workers = bench::config().workers;
  return burrow::run(options, bench::run_in_turn, std::move(bodies));
}
