// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/runtime_state.hpp>
#include <burrow/detail/spawn.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <typeinfo>

namespace burrow::detail {

void throw_task_awaited_twice() {
  throw std::logic_error("co_await of a task that was awaited or moved from before");
}

void throw_nil_context() { throw std::invalid_argument("a nil context was passed"); }

goroutine* new_goroutine() {
  if (worker* w = current_worker()) return w->new_goroutine();
  if (in_forked_child()) fatal_in_forked_child();
  goroutine* g = scheduler::new_goroutine_in_latest();
  if (g == nullptr) {
    throw std::logic_error("no runtime is running: start one with burrow::run(main)");
  }
  return g;
}

void discard_goroutine(goroutine* g) noexcept { g->home->discard(g); }

void start_goroutine(goroutine* g) noexcept {
  worker* w = current_worker();
  if (w == g->home) {
    w->spawn(g);
  } else {
    g->home->owner().inject(g);
  }
}

context_node* current_context() noexcept {
  goroutine* g = current_goroutine();
  return g != nullptr ? carried(*g) : nullptr;
}

context_node* root_context(const goroutine& g) noexcept {
  return node_of(static_cast<runtime_state*>(g.home->owner().user)->root);
}

void take_context(goroutine& g, context_node* ctx) noexcept {
  if (ctx != root_context(g)) retain(ctx);
}

void give_back_context(goroutine& g) noexcept {
  context_node* ctx = carried(g);
  if (ctx != root_context(g)) drop(ctx);
}

void refuse_nil_function(std::source_location where) noexcept {
  fatal("go of nil func value", where);
}

void exit_goroutine() {
  current_goroutine()->word.abandon();
  throw goroutine_exit{};
}

bool is_goroutine_exit(const std::exception_ptr& error) noexcept {
  if (!error) return false;
#ifdef __GLIBCXX__
  return *error.__cxa_exception_type() == typeid(goroutine_exit);
#else
  try {
    std::rethrow_exception(error);
  } catch (const goroutine_exit&) {
    return true;
  } catch (...) {
    return false;
  }
#endif
}

namespace {

/// "panic: MESSAGE", the goroutine and where it was started; then std::terminate, which prints the
/// exception once more if nobody has replaced its handler.
[[noreturn]] void end_program(const unhandled_exception& u) noexcept {
  std::fflush(stdout);
  const char* text = "an exception that is not a std::exception";
  try {
    std::rethrow_exception(u.error);
  } catch (const std::exception& e) {
    text = e.what();
    std::fprintf(stderr, "panic: %s\n\ngoroutine %llu [running]:%s%s\n\tstarted at %s:%u\n", text,
                 u.goroutine, *u.name != '\0' ? " " : "", u.name, u.file, u.line);
    std::terminate();
  } catch (...) {
    std::fprintf(stderr, "panic: %s\n\ngoroutine %llu [running]:%s%s\n\tstarted at %s:%u\n", text,
                 u.goroutine, *u.name != '\0' ? " " : "", u.name, u.file, u.line);
    std::terminate();
  }
}

}  // namespace

void report_unhandled(goroutine& g, std::exception_ptr error) noexcept {
  const char* name = g.name.load(acquire);
  const unhandled_exception u{g.id.load(relaxed), name != nullptr ? name : "", g.where.file_name(),
                              g.where.line(), std::move(error)};
  const auto& handler = g.home->owner().settings().on_unhandled;
  if (!handler) end_program(u);
  handler(u);
}

}  // namespace burrow::detail
