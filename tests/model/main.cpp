// SPDX-License-Identifier: MIT
// model_checker [--long] [--jobs=N] [--seed=N] [--replay=MODEL:CHOICES] [--mutate[=FILE]]
//               [MODEL...]
#include "explorer.hpp"
#include "mutation.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct request {
  bool is_long = false;
  bool mutate = false;
  const char* mutate_only = nullptr;
  std::uint64_t seed = 1;
  unsigned jobs = 1;
  std::string replay;
  std::vector<std::string> names;
};

request parse(int argc, char** argv) {
  request r;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--long") {
      r.is_long = true;
    } else if (a == "--mutate") {
      r.mutate = true;
    } else if (a.starts_with("--mutate=")) {
      r.mutate = true;
      r.mutate_only = argv[i] + 9;
    } else if (a.starts_with("--jobs=")) {
      r.jobs = std::max(1u, static_cast<unsigned>(std::strtoul(a.c_str() + 7, nullptr, 10)));
    } else if (a.starts_with("--seed=")) {
      r.seed = std::strtoull(a.c_str() + 7, nullptr, 10);
    } else if (a.starts_with("--replay=")) {
      r.replay = a.substr(9);
    } else if (a.starts_with("-")) {
      std::fprintf(stderr,
                   "usage: model_checker [--long] [--jobs=N] [--seed=N] [--replay=MODEL:CHOICES] "
                   "[--mutate[=FILE]] [MODEL...]\n");
      std::exit(2);
    } else {
      r.names.push_back(a);
    }
  }
  return r;
}

void lengthen(model::bounds& b) {
  ++b.preemptions;
  ++b.stale_reads;
  b.executions *= 30;
  b.random_runs *= 30;
}

bool is_as_expected(const model::definition& d, const model::verdict& v) {
  const char* expected = d.limits.must_fail_with;
  if (expected == nullptr) return !v.failed;
  return v.failed && v.failure.reason.find(expected) != std::string::npos;
}

/// Prints what came of it; false: not what was to come.
bool judge(const model::definition& d, const model::verdict& v, double seconds) {
  const bool good = is_as_expected(d, v);
  std::printf("%-4s %-34s %9llu executions%s + %llu at random, %.1f s%s%s\n", good ? "ok" : "FAIL",
              d.name, static_cast<unsigned long long>(v.executions),
              v.failed ? "" : (v.exhausted ? ", exhausted" : ", not exhausted"),
              static_cast<unsigned long long>(v.random_runs), seconds, v.failed ? ": " : "",
              v.failed ? v.failure.reason.c_str() : "");
  if (!good && v.failed) {
    model::print_trace(v.failure);
    std::printf("  replay with --replay=%s:%s\n", d.name, v.replay.c_str());
  } else if (!good) {
    std::printf("  a specimen that is broken on purpose passed; it must fail with \"%s\"\n",
                d.limits.must_fail_with);
  }
  std::fflush(stdout);
  return good;
}

int replay_one(const std::string& text) {
  const std::size_t colon = text.find(':');
  for (const model::definition& d : model::definitions()) {
    if (text.substr(0, colon) != d.name) continue;
    const model::verdict v =
        model::replay(d, colon == std::string::npos ? "" : text.substr(colon + 1));
    model::print_trace(v.failure);
    return v.failed ? 1 : 0;
  }
  std::fprintf(stderr, "no such model\n");
  return 2;
}

bool is_wanted(const request& r, const model::definition& d) {
  return r.names.empty() || std::any_of(r.names.begin(), r.names.end(), [&](const auto& n) {
           return std::strstr(d.name, n.c_str()) != nullptr;
         });
}

/// What the processes share that explore models.
struct progress {
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> executions{0};
  std::atomic<int> failures{0};
};

/// Explores one model after the other, as long as there are some that nobody has taken.
void explore_some(const request& r, const std::vector<model::definition>& wanted, progress& p) {
  for (std::size_t i = p.next++; i < wanted.size(); i = p.next++) {
    const auto begin = std::chrono::steady_clock::now();
    const model::verdict v = model::explore(wanted[i], nullptr, r.seed);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    p.executions += v.executions + v.random_runs;
    if (!judge(wanted[i], v, took.count())) ++p.failures;
  }
}

/// A model needs a process to itself, so each job is one.
int check_all(const request& r) {
  std::vector<model::definition> wanted;
  for (model::definition d : model::definitions()) {
    if (!is_wanted(r, d)) continue;
    if (r.is_long) lengthen(d.limits);
    wanted.push_back(d);
  }
  void* const shared =
      ::mmap(nullptr, sizeof(progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  auto& p = *new (shared) progress;
  for (unsigned i = 1; i < r.jobs; ++i) {
    if (::fork() != 0) continue;
    explore_some(r, wanted, p);
    std::_Exit(0);
  }
  explore_some(r, wanted, p);
  int status = 0;
  while (::wait(&status) > 0) {
    if (status != 0) ++p.failures;
  }
  std::printf("%llu executions, %d failed\n", static_cast<unsigned long long>(p.executions.load()),
              p.failures.load());
  return p.failures != 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const request r = parse(argc, argv);
  std::sort(model::definitions().begin(), model::definitions().end(),
            [](const auto& a, const auto& b) { return std::strcmp(a.name, b.name) < 0; });
  if (!r.replay.empty()) return replay_one(r.replay);
  if (r.mutate) return model::mutate(r.seed, r.mutate_only) != 0 ? 1 : 0;
  return check_all(r);
}
