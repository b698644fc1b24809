// SPDX-License-Identifier: MIT
#include "measure.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace bench {
namespace {

constexpr const char* usage =
    "flags: [-list] [-bench all|NAME,NAME...] [-reps N] [-workers N] [-mem recv|select]\n"
    "       [-samples FILE]\n"
    "  -list     the names of the benchmarks\n"
    "  -bench    which to run (all); all leaves out the long ones: fib39, nqueens, skynet100m\n"
    "  -reps     repetitions of each (5)\n"
    "  -workers  threads to run on (the CPUs allowed; burrow: BURROW_PROCS before that)\n"
    "  -mem      what the goroutines of `memory` are parked in (recv)\n"
    "  -samples  with -bench cancel: write lines \"shared|own n first_us last_us\" to FILE\n";

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "%s\n%s", what.c_str(), usage);
  std::exit(2);
}

[[noreturn]] void print_list(const std::vector<listed>& known) {
  for (const listed& b : known) std::printf("%s\n", std::string(b.name).c_str());
  std::exit(0);
}

[[noreturn]] void print_usage() {
  std::fputs(usage, stdout);
  std::exit(0);
}

int number(std::string_view flag, const std::string& text, int least) {
  char* end = nullptr;
  long value = std::strtol(text.c_str(), &end, 10);
  if (end == text.c_str() || *end != '\0' || value < least || value > 1'000'000) {
    refuse(std::string(flag) + " wants a number from " + std::to_string(least) + ", not '" + text +
           "'");
  }
  return static_cast<int>(value);
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> names;
  while (!list.empty()) {
    names.push_back(list.substr(0, list.find(',')));
    list.remove_prefix(std::min(list.size(), names.back().size() + 1));
  }
  return names;
}

std::vector<std::size_t> indices_of(const std::string& list, const std::vector<listed>& known) {
  std::vector<bool> wanted(known.size());
  for (std::string_view name : split(list)) {
    bool found = name == "all";
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (known[i].name == name || (name == "all" && known[i].in_all)) {
        wanted[i] = true;
        found = true;
      }
    }
    if (!found) refuse("no benchmark is called '" + std::string(name) + "'");
  }
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (wanted[i]) indices.push_back(i);
  }
  return indices;
}

}  // namespace

settings& config() {
  static settings of_process;
  return of_process;
}

std::vector<std::size_t> read_flags(int argc, char** argv, const std::vector<listed>& known) {
  std::string list = "all";
  settings& s = config();
  auto arguments = std::span(argv, static_cast<std::size_t>(argc));
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    std::string_view flag = arguments[i];
    if (flag.starts_with("--")) flag.remove_prefix(1);  // as in Go, -flag and --flag are the same
    if (flag == "-help" || flag == "-h") print_usage();
    if (flag == "-list") print_list(known);
    if (i + 1 == arguments.size()) refuse("unknown, or without its value: " + std::string(flag));
    std::string value = arguments[++i];
    if (flag == "-bench") {
      list = value;
    } else if (flag == "-reps") {
      s.reps = number(flag, value, 1);
    } else if (flag == "-workers") {
      s.workers = number(flag, value, 0);
    } else if (flag == "-mem") {
      s.memory = value;
    } else if (flag == "-samples") {
      s.samples = value;
    } else {
      refuse("unknown flag " + std::string(flag));
    }
  }
  if (s.memory != "recv" && s.memory != "select") refuse("-mem wants recv or select");
  return indices_of(list, known);
}

int allowed_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return CPU_COUNT(&allowed);
}

double cpu_ms() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

std::int64_t rss_bytes() {
  std::FILE* statm = std::fopen("/proc/self/statm", "r");
  check(statm != nullptr, "/proc/self/statm can be read");
  long resident_pages = 0;
  int fields = std::fscanf(statm, "%*d %ld", &resident_pages);
  std::fclose(statm);
  check(fields == 1, "/proc/self/statm has a second field");
  return static_cast<std::int64_t>(resident_pages) * sysconf(_SC_PAGESIZE);
}

int raise_descriptor_limit() {
  rlimit limit{};
  check(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit on descriptors");
  limit.rlim_cur = limit.rlim_max;
  check(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "a higher limit on descriptors");
  return static_cast<int>(std::min<rlim_t>(limit.rlim_max, 1'000'000));
}

void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "FAIL: %s\n", what);
  std::_Exit(1);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  std::size_t n = values.size();
  if (n % 2 == 1) return values[n / 2];
  return (values[n / 2 - 1] + values[n / 2]) / 2;
}

double percentile(const std::vector<double>& sorted, double p) {
  auto rank = static_cast<std::int64_t>(std::ceil(p * static_cast<double>(sorted.size()))) - 1;
  auto last = static_cast<std::int64_t>(sorted.size()) - 1;
  return sorted[static_cast<std::size_t>(std::clamp<std::int64_t>(rank, 0, last))];
}

void emit(const std::string& name, double value, const char* unit) {
  std::printf("%s %.6g %s\n", name.c_str(), value, unit);
  std::fflush(stdout);
}

void report(const std::string& name, const std::vector<double>& values, const char* unit,
            better which) {
  auto [least, most] = std::ranges::minmax(values);
  emit(name + ".best", which == better::lower ? least : most, unit);
  emit(name + ".med", median(values), unit);
}

void report_samples(const std::string& name, std::vector<std::vector<double>> repetitions,
                    const char* unit) {
  std::vector<double> p50;
  std::vector<double> p99;
  std::vector<double> worst;
  for (std::vector<double>& samples : repetitions) {
    std::ranges::sort(samples);
    p50.push_back(percentile(samples, 0.50));
    p99.push_back(percentile(samples, 0.99));
    worst.push_back(samples.back());
  }
  report(name + ".p50", p50, unit);
  report(name + ".p99", p99, unit);
  emit(name + ".max.med", median(worst), unit);
}

}  // namespace bench
