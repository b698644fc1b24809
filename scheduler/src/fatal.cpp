// SPDX-License-Identifier: MIT
#include <burrow/detail/fatal.hpp>
#include <burrow/detail/scheduler.hpp>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unistd.h>

namespace burrow::detail {

namespace {

/// Formats without allocation and writes at once.
[[gnu::format(printf, 2, 3)]] void write_line(int fd, const char* format, ...) noexcept {
  char line[4608];  // the name of a file may have 4096
  std::va_list args;
  va_start(args, format);
  const int n = std::vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  if (n <= 0) return;
  const std::size_t size =
      static_cast<std::size_t>(n) < sizeof(line) ? static_cast<std::size_t>(n) : sizeof(line) - 1;
  for (std::size_t done = 0; done < size;) {
    const ssize_t written = ::write(fd, line + done, size - done);
    if (written <= 0) return;
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

const char* wait_reason_text(wait_reason reason) noexcept {
  switch (reason) {
    case wait_reason::none: return "runnable";
    case wait_reason::chan_receive: return "chan receive";
    case wait_reason::chan_send: return "chan send";
    case wait_reason::chan_receive_nil: return "chan receive (nil chan)";
    case wait_reason::chan_send_nil: return "chan send (nil chan)";
    case wait_reason::select: return "select";
    case wait_reason::select_no_cases: return "select (no cases)";
    case wait_reason::sleep: return "sleep";
    case wait_reason::mutex_lock: return "sync.Mutex.Lock";
    case wait_reason::rw_mutex_rlock: return "sync.RWMutex.RLock";
    case wait_reason::rw_mutex_lock: return "sync.RWMutex.Lock";
    case wait_reason::wait_group_wait: return "sync.WaitGroup.Wait";
    case wait_reason::cond_wait: return "sync.Cond.Wait";
    case wait_reason::semaphore_acquire: return "semaphore acquire";
    case wait_reason::once_call: return "sync.Once.Do";
    case wait_reason::context_done: return "context done";
    case wait_reason::join: return "join";
    case wait_reason::blocking_call: return "in blocking()";
    case wait_reason::io_wait: return "IO wait";
    case wait_reason::latch_wait: return "latch wait";
    case wait_reason::barrier_wait: return "barrier wait";
    case wait_reason::group_slot:
    case wait_reason::group_limit: return "group slot";
    case wait_reason::quiet: return "synctest wait";
    case wait_reason::outside: return "outside of the bubble";
  }
  return "unknown";
}

const char* state_text(const goroutine& g) noexcept {
  const wait_reason reason = g.reason.load(relaxed);
  const bool waits = g.word.is_waiting() || reason == wait_reason::group_limit;
  return wait_reason_text(waits ? reason : wait_reason::none);
}

void print_goroutine(int fd, const goroutine& g, const char* state) noexcept {
  const char* name = g.name.load(acquire);
  write_line(fd, "\ngoroutine %llu [%s]:%s%s\n",
             static_cast<unsigned long long>(g.id.load(relaxed)), state, name != nullptr ? " " : "",
             name != nullptr ? name : "");
  if (g.where.line() == 0) return;  // not known
  write_line(fd, "\tstarted at %s:%u\n", g.where.file_name(),
             static_cast<unsigned>(g.where.line()));
}

std::string goroutine_text(const goroutine& g, const char* state) {
  const char* name = g.name.load(acquire);
  std::string text = "\ngoroutine " + std::to_string(g.id.load(relaxed)) + " [" + state + "]:";
  if (name != nullptr) text += std::string(" ") + name;
  if (g.where.line() == 0) return text + "\n";  // not known
  return text + "\n\tstarted at " + g.where.file_name() + ":" + std::to_string(g.where.line()) +
         "\n";
}

void print_goroutines(int fd) noexcept {
  const worker* here = current_worker();
  const goroutine* running = here != nullptr ? here->current() : nullptr;
  if (running != nullptr && running != here->owner().concluding.load(relaxed)) {
    print_goroutine(fd, *running, "running");
  }
  scheduler::for_each([&](scheduler& s) {
    const goroutine* concluding = s.concluding.load(relaxed);
    const auto print_other = [&](const goroutine& g) {
      if (&g != running && &g != concluding) print_goroutine(fd, g, state_text(g));
    };
    try {
      const auto hold = s.registry().hold();
      for (const slab::entry& e : s.registry().in_use()) print_other(*e.g);
    } catch (const std::bad_alloc&) {  // then in the order of their slots
      s.registry().for_each(print_other);
    }
  });
}

namespace {

[[noreturn]] void exit_with_goroutines() noexcept {
  print_goroutines(STDERR_FILENO);
  ::_exit(2);
}

}  // namespace

void fatal(const char* sentence) noexcept {
  std::fflush(stdout);  // what the program said before
  write_line(STDERR_FILENO, "fatal error: %s\n", sentence);
  exit_with_goroutines();
}

void fatal(const char* sentence, std::source_location where) noexcept {
  if (where.line() == 0) fatal(sentence);  // not known
  std::fflush(stdout);
  write_line(STDERR_FILENO, "fatal error: %s\n\tat %s:%u\n", sentence, where.file_name(),
             static_cast<unsigned>(where.line()));
  exit_with_goroutines();
}

void scheduler::report_deadlock() noexcept { fatal("all goroutines are asleep - deadlock!"); }

void fatal_in_forked_child() noexcept {
  write_line(STDERR_FILENO,
             "fatal error: burrow is used in a child that was forked while a runtime was running; "
             "such a child may only call exec or _exit\n");
  ::_exit(2);
}

void broken_invariant(const char* what, const char* file, int line) noexcept {
  write_line(STDERR_FILENO, "burrow: broken invariant: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace burrow::detail
