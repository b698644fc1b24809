// SPDX-License-Identifier: MIT
#include "explorer.hpp"

#include <algorithm>
#include <cstdlib>

namespace model {

std::vector<definition>& definitions() {
  static std::vector<definition> all;
  return all;
}

registration::registration(const char* name, void (*body)(), const bounds& limits) {
  definitions().push_back({name, body, limits});
}

namespace {

/// Keeps what was chosen. In a replay the choices are "position=option", the others 0.
class recorder : public chooser {
 public:
  std::string text() const {
    std::string all;
    for (std::size_t i = 0; i < made_.size(); ++i) {
      if (made_[i] == 0) continue;
      if (!all.empty()) all += ',';
      all += std::to_string(i) + '=' + std::to_string(made_[i]);
    }
    return all.empty() ? "0=0" : all;
  }
  std::size_t size() const noexcept { return made_.size(); }

 protected:
  unsigned made(unsigned choice) {
    made_.push_back(static_cast<std::uint8_t>(choice));
    return choice;
  }
  std::vector<std::uint8_t> made_;
};

class depth_first final : public recorder {
 public:
  depth_first(unsigned preemptions, unsigned stale_reads) noexcept
      : most_preemptions_(preemptions), most_stale_reads_(stale_reads) {}

  unsigned choose_thread(const unsigned*, unsigned count, bool can_stay) override {
    const bool bounded = can_stay && preemptions_ == most_preemptions_;
    const unsigned c = choose(bounded ? 1 : count);
    if (can_stay && c != 0) ++preemptions_;
    return c;
  }
  unsigned choose_store(unsigned count) override {
    const unsigned c = choose(stale_reads_ == most_stale_reads_ ? 1 : count);
    if (c != 0) ++stale_reads_;
    return c;
  }
  unsigned choose_value(unsigned count) override { return choose(count); }

  /// Prepares the next execution. False: all were tried.
  bool advance() {
    while (!path_.empty() && path_.back().chosen + 1u >= path_.back().options) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().chosen;
    made_.clear();
    preemptions_ = 0;
    stale_reads_ = 0;
    return true;
  }

 private:
  struct node {
    std::uint8_t chosen;
    std::uint8_t options;
  };

  unsigned choose(unsigned options) {
    const std::size_t at = made_.size();
    if (at == path_.size()) path_.push_back({0, static_cast<std::uint8_t>(options)});
    if (path_[at].options != options) fail("the model is not deterministic");
    return made(path_[at].chosen);
  }

  std::vector<node> path_;
  unsigned most_preemptions_;
  unsigned most_stale_reads_;
  unsigned preemptions_ = 0;
  unsigned stale_reads_ = 0;
};

class at_random final : public recorder {
 public:
  at_random(std::uint64_t seed, std::size_t length) : state_(seed * 0x9e3779b97f4a7c15u | 1) {
    for (auto& p : priorities_) p = 1000 + next() % 1000;
    const unsigned falls = next() % 5;
    for (unsigned i = 0; i < falls; ++i) falls_.push_back(next() % (length + 1));
    stale_one_in_ = 2 + next() % 8;
  }

  unsigned choose_thread(const unsigned* who, unsigned count, bool can_stay) override {
    if (can_stay && std::find(falls_.begin(), falls_.end(), made_.size()) != falls_.end()) {
      priorities_[who[0]] = lowest_--;
    }
    unsigned best = 0;
    for (unsigned i = 1; i < count; ++i) {
      if (priorities_[who[i]] > priorities_[who[best]]) best = i;
    }
    return made(best);
  }
  unsigned choose_store(unsigned count) override {
    return made(next() % stale_one_in_ == 0 ? next() % count : 0);
  }
  unsigned choose_value(unsigned count) override { return made(next() % count); }
  void paused(unsigned who) override { priorities_[who] = lowest_--; }

 private:
  unsigned next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<unsigned>(state_ >> 33);
  }

  std::uint64_t state_;
  std::array<unsigned, max_threads> priorities_{};
  unsigned lowest_ = 999;
  std::vector<std::size_t> falls_;
  unsigned stale_one_in_ = 4;
};

class as_told final : public recorder {
 public:
  explicit as_told(const std::string& text) {
    for (const char* at = text.c_str(); *at != '\0';) {
      char* end = nullptr;
      const auto position = std::strtoul(at, &end, 10);
      const auto option = *end == '=' ? std::strtoul(end + 1, &end, 10) : 0;
      told_.emplace_back(position, static_cast<unsigned>(option));
      at = *end == ',' ? end + 1 : end + std::string_view(end).size();
    }
  }

  unsigned choose_thread(const unsigned*, unsigned count, bool) override { return choose(count); }
  unsigned choose_store(unsigned count) override { return choose(count); }
  unsigned choose_value(unsigned count) override { return choose(count); }

 private:
  unsigned choose(unsigned count) {
    const std::size_t at = made_.size();
    for (const auto& [position, option] : told_) {
      if (position == at) return made(std::min(option, count - 1));
    }
    return made(0);
  }
  std::vector<std::pair<std::size_t, unsigned>> told_;
};

execution::outcome run_once(const definition& model, recorder& r, order_filter* filter) {
  return execution::instance().run(model.body, r, filter, model.limits.steps);
}

bool is_failure(verdict& v, execution::outcome&& outcome, const recorder& r) {
  if (!outcome.failed) return false;
  v.failed = true;
  v.failure = std::move(outcome);
  v.replay = r.text();
  return true;
}

}  // namespace

verdict explore(const definition& model, order_filter* filter, std::uint64_t seed) {
  verdict v;
  std::size_t length = 0;
  const bounds& limits = model.limits;
  const unsigned rounds = std::max(limits.preemptions, limits.stale_reads);
  for (unsigned bound = 0; bound <= rounds; ++bound) {
    depth_first search(std::min(bound, limits.preemptions), std::min(bound, limits.stale_reads));
    v.exhausted = false;
    for (bool more = true; more;) {
      if (v.executions == limits.executions) break;
      ++v.executions;
      if (is_failure(v, run_once(model, search, filter), search)) return v;
      length = std::max(length, search.size());
      more = search.advance();
      v.exhausted = !more;
    }
  }
  for (; v.random_runs < limits.random_runs; ++v.random_runs) {
    at_random search(seed + v.random_runs, length);
    if (is_failure(v, run_once(model, search, filter), search)) return v;
  }
  return v;
}

verdict replay(const definition& model, const std::string& choices) {
  verdict v;
  as_told search(choices);
  ++v.executions;
  is_failure(v, run_once(model, search, nullptr), search);
  return v;
}

}  // namespace model
