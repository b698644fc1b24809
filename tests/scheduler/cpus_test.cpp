// SPDX-License-Identifier: MIT
// How many workers a runtime has by itself: the affinity mask and the quotas of cgroup v1 and v2.
// What BURROW_PROCS may be is in runtime/run_test.cpp and in fault/settings_test.cpp.
#include <burrow/detail/scheduler.hpp>

#include <doctest/doctest.h>

#include <environment.hpp>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

using namespace burrow::detail;

namespace {

/// A folder with a /proc and a /sys of its own; removed at the end.
class made_up_system {
 public:
  explicit made_up_system(const std::string& groups) {
    std::string name = (std::filesystem::temp_directory_path() / "burrow-cpus-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    base_ = name;
    write("/proc/self/cgroup", groups);
  }
  made_up_system(const made_up_system&) = delete;
  made_up_system& operator=(const made_up_system&) = delete;
  ~made_up_system() { std::filesystem::remove_all(base_); }

  made_up_system& write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(base_ + path).parent_path());
    std::ofstream(base_ + path) << text;
    return *this;
  }
  double quota() const { return cgroup_quota(base_); }

 private:
  std::string base_;
};

}  // namespace

TEST_CASE("cgroup v2: QUOTA PERIOD of the process's group") {
  const auto quota_of = [](const char* text) {
    return made_up_system("0::/app\n").write("/sys/fs/cgroup/app/cpu.max", text).quota();
  };
  CHECK(quota_of("150000 100000\n") == doctest::Approx(1.5));
  CHECK(quota_of("50000 100000\n") == doctest::Approx(0.5));
  CHECK(quota_of("max 100000\n") == 0);
  CHECK(quota_of("") == 0);
  CHECK(quota_of("150000\n") == 0);
  CHECK(quota_of("150000 0\n") == 0);
  CHECK(quota_of("150000 -1\n") == 0);
  CHECK(quota_of("nonsense 100000\n") == 0);
  CHECK(quota_of("-5 100000\n") == 0);
  CHECK(quota_of("99999999999999999999 100000\n") > 1e14);
}

TEST_CASE("cgroup v2: the tightest of the groups above counts") {
  made_up_system s("0::/a/b/c\n");
  s.write("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
  CHECK(s.quota() == 0);
  s.write("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  CHECK(s.quota() == doctest::Approx(3));
  s.write("/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
  CHECK(s.quota() == doctest::Approx(3));
  s.write("/sys/fs/cgroup/a/b/c/cpu.max", "200000 100000\n");
  CHECK(s.quota() == doctest::Approx(2));
  s.write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  CHECK(s.quota() == doctest::Approx(1));
}

TEST_CASE("cgroup v1: cpu.cfs_quota_us, and only of the cpu controller") {
  made_up_system s("7:memory:/m\n4:cpu,cpuacct:/app\n2:cpuset:/set\n");
  const std::string app = "/sys/fs/cgroup/cpu/app/";
  s.write("/sys/fs/cgroup/cpu/m/cpu.cfs_quota_us", "1000\n");
  s.write("/sys/fs/cgroup/cpu/m/cpu.cfs_period_us", "100000\n");
  CHECK(s.quota() == 0);
  s.write(app + "cpu.cfs_quota_us", "-1\n").write(app + "cpu.cfs_period_us", "100000\n");
  CHECK(s.quota() == 0);
  s.write(app + "cpu.cfs_quota_us", "250000\n");
  CHECK(s.quota() == doctest::Approx(2.5));
  s.write(app + "cpu.cfs_period_us", "0\n");
  CHECK(s.quota() == 0);
  // A container whose own group is mounted as the root, while /proc tells the path of the host.
  made_up_system inside("4:cpu:/docker/0123\n");
  inside.write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
  inside.write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  CHECK(inside.quota() == doctest::Approx(4));
}

TEST_CASE("cgroup: lines that make no sense, and no cgroups at all, are no limit") {
  CHECK(made_up_system("\nnonsense\n0:\n::\n:::\n").quota() == 0);
  CHECK(made_up_system("").quota() == 0);
  CHECK(cgroup_quota("/no/such/folder") == 0);
}

TEST_CASE("the affinity mask of the calling thread is respected") {
  CHECK(allowed_cpus() >= 1);
  cpu_set_t all;
  REQUIRE(::sched_getaffinity(0, sizeof(all), &all) == 0);
  CHECK(allowed_cpus() <= CPU_COUNT(&all));
  int one = 0;
  while (!CPU_ISSET(one, &all)) ++one;
  int seen = 0;
  std::thread([&] {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(one, &mask);
    if (::sched_setaffinity(0, sizeof(mask), &mask) == 0) seen = allowed_cpus();
  }).join();
  CHECK(seen == 1);
}
