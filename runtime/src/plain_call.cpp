// SPDX-License-Identifier: MIT
// Goroutines for after_func(): calls that the Context tree hands over.
#include <burrow/detail/runtime_state.hpp>
#include <burrow/detail/spawn.hpp>

namespace burrow::detail {

namespace {

struct plain_joiner : detached_joiner {
  static constexpr bool accepts_plain = true;
};

/// Runs the call once, and frees it in any case.
class plain_call_body {
 public:
  explicit plain_call_body(plain_call& call) noexcept : call_(&call) {}
  void operator()() {
    struct freed {
      plain_call& call;
      ~freed() { call.release(call); }
    } guard{*call_};
    call_->run(*call_);
  }

 private:
  plain_call* call_;
};

bool start_in_goroutine(plain_call& call) noexcept {
  if (current_worker() == nullptr && scheduler::latest() == nullptr) return false;
  try {
    plain_call_body body(call);
    spawnable<plain_joiner> callable(body, call.where);
    goroutine* g = new_goroutine();
    auto* state = static_cast<runtime_state*>(g->home->owner().user);
    start_goroutine(callable.fill(g, {}, node_of(state->root)));
  } catch (...) {
    return false;  // no memory, or the runtime has just ended: the caller finds another way
  }
  return true;
}

}  // namespace

void install_goroutine_starter() noexcept { goroutine_starter.store(&start_in_goroutine, release); }

}  // namespace burrow::detail
