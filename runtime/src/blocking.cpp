// SPDX-License-Identifier: MIT
#include <burrow/blocking.hpp>
#include <burrow/detail/scheduler.hpp>

namespace burrow::detail {

void submit_blocking(goroutine& g, blocking_job& job) { g.home->owner().blocking().submit(job); }

}  // namespace burrow::detail
