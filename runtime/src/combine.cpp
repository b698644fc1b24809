// SPDX-License-Identifier: MIT
#include <burrow/combine.hpp>
#include <burrow/deferred.hpp>

namespace burrow::detail {

void refuse_no_tasks(bool none) {
  if (none) throw std::invalid_argument("any and race need at least one task");
}

void first_watcher::task_ended(std::size_t index, std::exception_ptr error) noexcept {
  bool won = false;
  {
    locked hold(group_.lock);
    if (is_goroutine_exit(error)) {
      exited_ = true;
    } else if (winner_ != nobody) {
      // A loser: an error of its end is nobody's result.
    } else if (!error || errors_count_) {
      winner_ = index;
      won = true;
    } else if (!first_error_) {
      first_error_ = error;
      error = nullptr;
    }
  }
  if (won) {
    group_.abandon_children();
  } else if (error && !is_goroutine_exit(error)) {
    suppress(std::move(error));
  }
}

std::size_t first_watcher::winner() {
  if (winner_ != nobody) return winner_;
  if (std::exception_ptr error = group_.first_error()) std::rethrow_exception(std::move(error));
  if (first_error_) std::rethrow_exception(std::move(first_error_));
  exit_goroutine();
}

// --- deferred ------------------------------------------------------------------------------------

void deferred_base::finish() noexcept {
  wake_list wakes;
  {
    locked hold(lock);
    done_.store(true, release);  // release: pairs with the acquire in is_done()
    waiters_.claim_all(wakes);
  }
  wake_all(wakes);
}

void deferred_base::take_once() {
  if (std::exchange(taken_, true)) {
    throw std::logic_error("the result of a deferred was taken before");
  }
}

}  // namespace burrow::detail
