// SPDX-License-Identifier: MIT
// Goroutines for after_func(): calls that the Context tree hands over.
#include <burrow/detail/runtime_state.hpp>
#include <burrow/detail/spawn.hpp>

#include <utility>

namespace burrow::detail {

namespace {

struct plain_joiner : detached_joiner {
  static constexpr bool accepts_plain = true;
};

/// Runs the call once, and frees it in any case: also where its goroutine does not begin any more.
class plain_call_body {
 public:
  explicit plain_call_body(plain_call& call) noexcept : call_(&call) {}
  plain_call_body(plain_call_body&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  plain_call_body& operator=(plain_call_body&&) = delete;
  ~plain_call_body() {
    if (call_ != nullptr) call_->release(*call_);
  }
  void operator()() { call_->run(*call_); }
  /// The call is the caller's again.
  void leave() noexcept { call_ = nullptr; }

 private:
  plain_call* call_;
};

bool start_in_goroutine(plain_call& call) noexcept {
  if (current_worker() == nullptr && !scheduler::any_open()) return false;
  plain_call_body body(call);
  try {
    spawnable<plain_joiner> callable(std::move(body), call.where);
    goroutine* g = new_goroutine();
    auto* state = static_cast<runtime_state*>(g->home->owner().user);
    start_goroutine(callable.fill(g, {}, node_of(state->root)));
  } catch (...) {
    body.leave();
    return false;  // no memory, or the runtime has just ended: the caller finds another way
  }
  return true;
}

}  // namespace

void install_goroutine_starter() noexcept { goroutine_starter.store(&start_in_goroutine, release); }

}  // namespace burrow::detail
