// SPDX-License-Identifier: MIT
// What a model is written with. See docs/design/model-checking.md.
//
//   MODEL(two_pushes, {.preemptions = 2}) {
//     queue q;
//     model::thread("first", [&] { q.push(1); });
//     model::thread("second", [&] { q.push(2); });
//     model::join();
//     model::check(q.size() == 2, "both are there");
//   }
//
// The body runs anew for each execution, as a thread of its own. It has to be deterministic but for
// what it asks the checker for, and leave nothing behind in static objects.
#pragma once

#include <cstdint>
#include <source_location>
#include <utility>

namespace model {

/// What a thread of a model does.
struct thread_body {
  virtual ~thread_body() = default;
  virtual void run() = 0;
};

/// Takes over what `body` points to; it is destroyed by the thread, in its end.
void start_thread(const char* name, thread_body* body);

/// Starts a thread of the model.
template <class F>
void thread(const char* name, F f) {
  struct body final : thread_body {
    F function;
    explicit body(F&& what) : function(std::move(what)) {}
    void run() override { function(); }
  };
  start_thread(name, new body(std::move(f)));
}
/// By the body: waits until all threads have ended.
void join();

/// If `holds` is false, this execution fails.
void check(bool holds, const char* sentence,
           const std::source_location& where = std::source_location::current());
[[noreturn]] void fail(const char* sentence,
                       const std::source_location& where = std::source_location::current());

/// A number below n: all of them are explored.
unsigned choose(unsigned n);

/// By a thread that cannot go on before another has stored something, and will look again.
void pause();
/// Waits until the newest value of an atomic is not `value`; what is seen afterwards is up to the
/// loads that follow.
void wait_while(const void* atomic, unsigned size, std::uint64_t value);
/// The thread that runs: 0 is the body, then in the order of their start.
unsigned current_thread() noexcept;
/// Whether a model's thread runs now.
bool is_running() noexcept;

/// How far a model is explored in the short mode; the long one adds to it.
struct bounds {
  unsigned preemptions = 2;              // switches away from a thread that could have gone on
  unsigned stale_reads = 2;              // loads that do not see the newest value
  std::uint64_t executions = 40'000;     // exhaustive search ends here at the latest
  std::uint64_t random_runs = 2'000;     // with random priorities, and no bounds
  unsigned steps = 5'000;                // of one execution; more of them are a livelock
  const char* must_fail_with = nullptr;  // a specimen: broken on purpose
};

struct registration {
  registration(const char* name, void (*body)(), const bounds& limits);
};

}  // namespace model

#define MODEL(name, ...)                                                               \
  static void model_##name();                                                          \
  static const ::model::registration registration_##name(#name, &model_##name,         \
                                                         ::model::bounds __VA_ARGS__); \
  static void model_##name()
