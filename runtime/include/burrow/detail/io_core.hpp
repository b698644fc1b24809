// SPDX-License-Identifier: MIT
// How a goroutine has the kernel do something: by a request, where the driver makes requests, else
// by the call itself, as soon as the descriptor is ready. Either way it watches the Context that
// the goroutine carries; whoever gives up waits until the kernel has let go of the request.
#pragma once

#include <burrow/detail/carried.hpp>
#include <burrow/detail/descriptor.hpp>
#include <burrow/detail/done.hpp>
#include <burrow/detail/select_cases.hpp>
#include <burrow/errc.hpp>
#include <burrow/result.hpp>
#include <burrow/task.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace burrow::detail {

inline std::error_code system_error_code(int number) noexcept {
  return {number, std::generic_category()};
}

/// The Context whose end the running goroutine has to heed; null: none.
inline cancellable_node* watched_by(const goroutine& g) noexcept {
  const context_node* node = carried(g);
  return node != nullptr ? node->source : nullptr;
}

/// Awaited at the begin of each operation: counts the budget, as every await does. Gives the
/// goroutine. Throws goroutine_exit where the runtime ends.
class io_entry {
 public:
  io_entry() noexcept = default;
  io_entry bind(goroutine& g) && noexcept { return io_entry(g); }
  bool await_ready() noexcept {
    if (g_->budget <= 1) return false;
    --g_->budget;
    return true;
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    return g_->exiting ? refuse_to_wait(*g_, h) : yield_to_others(*g_, h);
  }
  goroutine& await_resume() const {
    if (g_->exiting && !g_->shielded) throw goroutine_exit{};
    return *g_;
  }

 private:
  explicit io_entry(goroutine& g) noexcept : g_(&g) {}
  goroutine* g_ = nullptr;
};

/// Awaits `op` or the end of the carried Context. True: it was the operation.
template <class Op>
class [[nodiscard]] io_wait {
 public:
  explicit io_wait(Op& op) noexcept : op_(&op) {}

  class awaiter {
   public:
    awaiter(goroutine& g, Op& op) noexcept : done_(watched_by(g)), op_(op), cases_(g, op, done_) {}
    bool await_ready() noexcept { return cases_.try_at_once(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
      return cases_.wait(h);
    }
    bool await_resume() {
      const bool has_happened = cases_.finish() == 0;
      if (has_happened) static_cast<void>(op_.result());
      return has_happened;
    }

   private:
    done_operation done_;
    Op& op_;
    select_cases<false, Op, done_operation> cases_;
  };
  awaiter bind(goroutine& g) && noexcept { return {g, *op_}; }

 private:
  Op* op_;
};

/// A user of the descriptor for as long as this lives; false: it is closed, or there is none.
class descriptor_use {
 public:
  explicit descriptor_use(const descriptor_ref& d) noexcept
      : d_(d && begin_use(*d) ? d.get() : nullptr) {}
  ~descriptor_use() {
    if (d_ != nullptr) end_use(*d_);
  }
  descriptor_use(const descriptor_use&) = delete;
  descriptor_use& operator=(const descriptor_use&) = delete;
  explicit operator bool() const noexcept { return d_ != nullptr; }

 private:
  descriptor* d_;
};

/// Why a descriptor lets nothing begin: it was closed, or its deadline has passed.
std::error_code refusal_of(const descriptor& d, io_side side) noexcept;

/// What has come of a request: the call's result, which is not negative, or the error.
struct io_outcome {
  int value = 0;
  std::error_code error;
};

/// Whether the call is worth a try before anything is asked of the driver; when_ready: and no
/// request is made, for calls that io_uring cannot make again once they would have blocked.
enum class io_course : std::uint8_t { ask_first, try_first, when_ready };

/// Makes the request `r`, which lives until this is done. Ends early, with the error, when the
/// carried Context ends, when the descriptor is closed, or its deadline passes; what has been done
/// by then counts as success. If the goroutine is abandoned, `undo` gets the result before this
/// throws goroutine_exit.
task<io_outcome> perform(descriptor_ref d, io_request& r, io_course course = io_course::ask_first,
                         void (*undo)(int) noexcept = nullptr);

/// Awaited: until `d` is ready on that side, as poll(2) means it. The error as for perform().
task<result<void>> wait_until_ready(descriptor_ref d, io_side side);

/// The deadline of one side: from `at` on, a time of the steady clock, its operations fail with
/// errc::io_timeout; max(): never. Throws std::logic_error where no runtime runs.
result<void> set_deadline(descriptor& d, io_side side, std::chrono::steady_clock::duration at);

/// Takes over the number; if that fails it is closed. Throws std::bad_alloc.
descriptor_ref own_descriptor(int fd);

}  // namespace burrow::detail
