// SPDX-License-Identifier: MIT
#include <burrow/detail/bubble.hpp>
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler.hpp>

#include <algorithm>
#include <utility>

namespace burrow::detail {

namespace {

thread_local bubble* this_bubble = nullptr;

/// From 1 on; after 65535 come those that have been long ago.
std::uint16_t next_number() noexcept {
  static atomic<std::uint32_t> last{0};
  return static_cast<std::uint16_t>(last.fetch_add(1, relaxed) % 0xffff + 1);
}

/// The finaliser of splitmix64.
std::uint64_t mixed(std::uint64_t x) noexcept {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

}  // namespace

bubble* current_bubble() noexcept { return this_bubble; }
void enter_bubble(bubble* b) noexcept { this_bubble = b; }
std::uint16_t bubble_here() noexcept { return this_bubble != nullptr ? this_bubble->number() : 0; }

void check_bubble(std::uint16_t source) noexcept {
  if (source != 0 && source != bubble_here()) {
    fatal("a channel, timer or Context of a test's bubble was used from outside of it");
  }
}

void wait_outside(goroutine& g, std::uint16_t source) noexcept {
  check_bubble(source);
  g.reason.store(wait_reason::outside, relaxed);
  note_undurable();
}

void note_undurable() noexcept { this_bubble->has_to_look = true; }

void note_refusal() noexcept { this_bubble->refuse(); }

void bubble::refuse() noexcept {
  constexpr std::uint64_t most = 1'000'000;
  if (++refusals_ == most) {
    fatal("a goroutine of a test's bubble was told to end, and catches that again and again");
  }
}

bubble::bubble(std::uint64_t seed) noexcept
    : seed_(seed), number_(next_number()), random_(mixed(seed)) {
  this_bubble = this;
}

bubble::~bubble() { this_bubble = nullptr; }

// --- choices -------------------------------------------------------------------------------------

std::uint64_t bubble::random() noexcept { return mixed(random_ += 0x9e3779b97f4a7c15u); }

void bubble::note(std::uint64_t value) noexcept { trace_ = mixed(trace_ ^ value); }

void bubble::add(goroutine* g) { runnable_.push_back(g); }

goroutine* bubble::choose() noexcept {
  if (runnable_.empty()) return nullptr;
  ++turns_;
  refusals_ = 0;
  const std::size_t i = random() % runnable_.size();
  goroutine* const chosen = std::exchange(runnable_[i], runnable_.back());
  runnable_.pop_back();
  note(chosen->id.load(relaxed));
  note(random_ ^ static_cast<std::uint64_t>(now()));
  if (state == phase::over && ++turns_over_ > patience) now_.store(now() + 1'000, relaxed);
  return chosen;
}

std::uint32_t bubble::budget() noexcept {
  const std::uint64_t drawn = random();
  return drawn % 2 == 0 ? goroutine::full_budget : 1 + static_cast<std::uint32_t>(drawn >> 32) % 4;
}

// --- quiet moments -------------------------------------------------------------------------------

void bubble::when_quiet(nanoseconds_t next) noexcept {
  if (goroutine* g = std::exchange(waiter, nullptr)) {
    if (g->word.claim(0)) wake(g);
  } else if (next != never && state != phase::ending) {
    now_.store(std::max(now(), next), relaxed);
  } else if (state != phase::over) {
    call_keeper(call::stuck);
  } else {
    fatal("all goroutines are asleep - deadlock!");
  }
}

void bubble::waited(nanoseconds_t real) noexcept {
  if (state == phase::over) now_.store(now() + real, relaxed);
}

void bubble::when_locked() noexcept { call_keeper(call::locked); }

void bubble::call_keeper(call why) noexcept {
  if (called_ == call::none) called_ = why;
  goroutine* const g = std::exchange(keeper, nullptr);
  if (g != nullptr && g->word.claim(0)) wake(g);
}

bubble::call bubble::take_call() noexcept { return std::exchange(called_, call::none); }

}  // namespace burrow::detail
