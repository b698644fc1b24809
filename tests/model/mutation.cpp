// SPDX-License-Identifier: MIT
#include "mutation.hpp"

#include "explorer.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <tuple>

namespace model {

namespace {

/// An order in the sources. Part 1: the order of a compare-exchange that fails.
struct site {
  const char* file;
  unsigned line;
  unsigned column;
  unsigned part;
  std::memory_order order;

  bool operator<(const site& o) const noexcept {
    const int files = std::strcmp(file, o.file);
    return files != 0 ? files < 0
                      : std::tie(line, column, part) < std::tie(o.line, o.column, o.part);
  }
};

class collector final : public order_filter {
 public:
  std::memory_order apply(std::memory_order order, const place& where, unsigned part) override {
    if (order != std::memory_order_relaxed && where.line() != 0) {
      found.insert({where.file_name(), where.line(), where.column(), part, order});
    }
    return order;
  }
  std::set<site> found;
};

class weakener final : public order_filter {
 public:
  weakener(const site& s, std::memory_order to) noexcept : site_(s), to_(to) {}
  std::memory_order apply(std::memory_order order, const place& where, unsigned part) override {
    const bool here = where.line() == site_.line && where.column() == site_.column &&
                      part == site_.part && std::strcmp(where.file_name(), site_.file) == 0;
    return here ? to_ : order;
  }

 private:
  site site_;
  std::memory_order to_;
};

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    default: return "seq_cst";
  }
}

/// What an order is weakened to, one after the other.
std::vector<std::memory_order> weaker(std::memory_order order) {
  switch (order) {
    case std::memory_order_seq_cst: return {std::memory_order_relaxed, std::memory_order_acq_rel};
    case std::memory_order_acq_rel:
      return {std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release};
    default: return {std::memory_order_relaxed};
  }
}

bool is_source(const site& s) { return std::strstr(s.file, "/tests/") == nullptr; }

using users = std::map<site, std::vector<const definition*>>;

users collect(std::uint64_t seed) {
  users all;
  for (const definition& d : definitions()) {
    if (d.limits.must_fail_with != nullptr) continue;
    collector c;
    definition few = d;
    few.limits.executions = 400;
    few.limits.random_runs = 400;
    explore(few, &c, seed);
    for (const site& s : c.found) {
      if (is_source(s)) all[s].push_back(&d);
    }
  }
  return all;
}

/// The model that fails; null: none does.
const definition* killer_of(const site& s, std::memory_order to,
                            const std::vector<const definition*>& models, std::uint64_t seed) {
  weakener w(s, to);
  for (const definition* d : models) {
    if (explore(*d, &w, seed).failed) return d;
  }
  return nullptr;
}

}  // namespace

unsigned mutate(std::uint64_t seed, const char* only) {
  unsigned survivors = 0;
  unsigned mutants = 0;
  for (const auto& [s, models] : collect(seed)) {
    const char* file = std::strrchr(s.file, '/') + 1;
    const std::string place = s.file + (':' + std::to_string(s.line));
    if (only != nullptr && place.find(only) == std::string::npos) continue;
    for (const std::memory_order to : weaker(s.order)) {
      ++mutants;
      const definition* killer = killer_of(s, to, models, seed);
      if (killer == nullptr) ++survivors;
      std::printf("%-9s %s:%u:%u%s %s -> %s%s%s\n", killer != nullptr ? "killed" : "SURVIVED", file,
                  s.line, s.column, s.part != 0 ? " (failed)" : "", name_of(s.order), name_of(to),
                  killer != nullptr ? ", by " : "", killer != nullptr ? killer->name : "");
      std::fflush(stdout);
    }
  }
  std::printf("%u mutants, %u survived\n", mutants, survivors);
  return survivors;
}

}  // namespace model
