// SPDX-License-Identifier: MIT
//
// What every benchmark program here needs, burrow's and those of the C++ peers: flags, a stopwatch,
// and the output that compare.py reads. Knows nothing of burrow.
//
// A benchmark measures its workload some times and prints lines "name value unit": `name.best` and
// `name.med`, the best and the median of the repetitions. The runtime stays warm from one
// repetition to the next, as in the Go program that defines the workloads (peers/go/main.go).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using steady = std::chrono::steady_clock;

// --- flags --------------------------------------------------------------------------------------

struct settings {
  int reps = 5;
  int workers = 0;              // 0: what the environment and the machine say
  std::string memory = "recv";  // what the goroutines of the memory benchmark are parked in
  std::string samples;          // where the cancel benchmark writes its raw samples; empty: nowhere
};

/// The settings of this process: written by main, then only read.
settings& config();

template <class Body>
struct benchmark {
  std::string_view name;
  Body body;
  bool in_all = true;  // the long ones run only when they are named
};

struct listed {
  std::string_view name;
  bool in_all;
};

/// Reads the flags into config(); returns the indices of the chosen benchmarks. Ends the program
/// after -list and -help, and with status 2 where a flag makes no sense.
std::vector<std::size_t> read_flags(int argc, char** argv, const std::vector<listed>& known);

template <class Body, std::size_t N>
std::vector<Body> chosen(int argc, char** argv, const std::array<benchmark<Body>, N>& benchmarks) {
  std::vector<listed> known;
  for (const auto& b : benchmarks) known.push_back({b.name, b.in_all});
  std::vector<Body> bodies;
  for (std::size_t i : read_flags(argc, argv, known)) bodies.push_back(benchmarks[i].body);
  return bodies;
}

/// The CPUs that this process may use.
int allowed_cpus();

// --- measuring ----------------------------------------------------------------------------------

/// Times from its making.
class stopwatch {
 public:
  double ns() const { return elapsed<std::nano>(); }
  double us() const { return elapsed<std::micro>(); }
  double ms() const { return elapsed<std::milli>(); }
  /// Nanoseconds for each of `n` operations.
  double ns_per(std::int64_t n) const { return ns() / static_cast<double>(n); }

 private:
  template <class Unit>
  double elapsed() const {
    return std::chrono::duration<double, Unit>(steady::now() - start_).count();
  }

  steady::time_point start_ = steady::now();
};

double cpu_ms();           // of the whole process, user and kernel
std::int64_t rss_bytes();  // resident memory of the process

/// As many descriptors as the hard limit allows. Returns it.
int raise_descriptor_limit();

/// Ends the program where a workload computed something wrong.
void check(bool ok, const char* what);

/// Makes the compiler believe that `value` is used, and changed, here.
template <class T>
void keep(T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// --- reporting ----------------------------------------------------------------------------------

enum class better { lower, higher };

double median(std::vector<double> values);
/// The value below which the part `p` of the samples lies; `sorted` must be.
double percentile(const std::vector<double>& sorted, double p);
/// Prints one line.
void emit(const std::string& name, double value, const char* unit);
/// Prints the best and the median of the repetitions.
void report(const std::string& name, const std::vector<double>& values, const char* unit,
            better which = better::lower);
/// Prints the spread of samples, of which each repetition took many.
void report_samples(const std::string& name, std::vector<std::vector<double>> repetitions,
                    const char* unit);

}  // namespace bench
