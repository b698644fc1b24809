// SPDX-License-Identifier: MIT
// A stand-in for a coroutine frame: what a goroutine's leaf is while its awaiter wants to look
// again before the frame goes on.
//
// A frame cannot be suspended by await_resume(), so an awaiter whose wake-up is only a chance (a
// lock that may be gone again, a condition whose mutex is still to be taken) would need a coroutine
// of its own around the wait, and memory for it. Instead it puts a hook in the place of the frame:
// worker and queues see a handle like any other, and its resume() calls the awaiter.
//
// Every compiler lays out the head of a frame in the same way, a pointer to the resume function,
// one to the destroy function, then the promise; libstdc++'s noop_coroutine relies on it too. The
// hook has the promise_base of a frame, so that a report which walks the frames of a goroutine goes
// on to the awaiting one.
#pragma once

#include <burrow/detail/operation.hpp>

#include <coroutine>
#include <new>

namespace burrow::detail {

class resume_hook {
 public:
  using function = void (*)(resume_hook*) noexcept;

  resume_hook(const resume_hook&) = delete;
  resume_hook& operator=(const resume_hook&) = delete;

 protected:
  // Most awaits do not wait: nothing is written before set().
  resume_hook() noexcept {}
  ~resume_hook() = default;

  /// From an await_suspend, before the goroutine can be resumed: `on_resume` runs instead of `h`.
  void set(goroutine& g, std::coroutine_handle<> h, function on_resume) noexcept {
    resume_ = on_resume;
    destroy_ = on_resume;
    ::new (&promise_) promise_base{h, &g};
    g.leaf = std::coroutine_handle<>::from_address(this);
  }

  /// The last thing that `on_resume` does if the frame is to go on; else it parks again and
  /// returns. The awaiter may be gone afterwards.
  void go_on() noexcept {
    const std::coroutine_handle<> h = promise_.continuation;
    promise_.g->leaf = h;
#if BURROW_TAIL_CALLS
    h.resume();
#else
    promise_.g->home->resume_next(h);
#endif
  }

  std::coroutine_handle<> frame() const noexcept { return promise_.continuation; }

 private:
  function resume_;
  function destroy_;  // never called: the runtime resumes and unwinds, it destroys no waiting frame
  union {
    promise_base promise_;
  };
};

}  // namespace burrow::detail
