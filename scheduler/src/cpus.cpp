// SPDX-License-Identifier: MIT
// How many CPUs this process may use: BURROW_PROCS, or the affinity mask and the cgroup quota.
#include <burrow/detail/scheduler.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <string>

namespace burrow::detail {

namespace {

int affinity() noexcept {
  // A mask larger than cpu_set_t is needed on machines with more than 1024 CPUs.
  for (std::size_t cpus = CPU_SETSIZE; cpus <= std::size_t{1} << 20; cpus *= 2) {
    cpu_set_t* mask = CPU_ALLOC(cpus);
    if (mask == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(cpus);
    const int failed = ::sched_getaffinity(0, size, mask);
    const int count = failed == 0 ? CPU_COUNT_S(size, mask) : 0;
    const bool too_small = failed != 0 && errno == EINVAL;
    CPU_FREE(mask);
    if (count > 0) return count;
    if (!too_small) break;
  }
  return 1;
}

/// CPUs from "QUOTA PERIOD" of cgroup v2; 0: no limit.
double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::strtod(quota.c_str(), nullptr) / period;
}

double quota_v1(const std::string& folder) {
  double quota = 0;
  double period = 0;
  std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
  std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  return quota > 0 && period > 0 ? quota / period : 0;
}

}  // namespace

double cgroup_quota(const std::string& base) {
  double tightest = 0;
  std::ifstream groups(base + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool v2 = controllers.empty();
    if (!v2 && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    std::string path = line.substr(second + 1);
    const std::string root = base + (v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu");
    for (;;) {
      const double quota = v2 ? quota_v2(root + path) : quota_v1(root + path);
      if (quota > 0 && (tightest == 0 || quota < tightest)) tightest = quota;
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos || path.empty()) break;
      path.resize(slash);
    }
  }
  return tightest;
}

int allowed_cpus() noexcept {
  int cpus = affinity();
  try {
    const double quota = cgroup_quota("");
    // As Go: rounded up, and at least 2, since a quota is an average and not a number of CPUs.
    if (quota > 0 && quota < cpus) {
      cpus = std::min(cpus, std::max(2, static_cast<int>(std::ceil(quota))));
    }
  } catch (...) {
    // Without memory to read the quota, the affinity alone has to do.
    return cpus;
  }
  return cpus;
}

}  // namespace burrow::detail
