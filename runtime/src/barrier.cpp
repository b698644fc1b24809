// SPDX-License-Identifier: MIT
#include <burrow/barrier.hpp>

#include <stdexcept>

namespace burrow::detail {

namespace {

std::int64_t checked(std::int64_t parties) {
  if (parties < 1) throw std::invalid_argument("barrier: needs at least one party");
  return parties;
}

}  // namespace

barrier_core::barrier_core(std::int64_t parties) : parties_(checked(parties)), missing_(parties) {}

std::uint64_t barrier_core::arrive(bool drop) {
  wake_list wakes;
  lock.lock();
  if (parties_ == 0) {
    lock.unlock();
    throw std::logic_error("barrier: nobody is expected any more");
  }
  const std::uint64_t phase = phase_.load(relaxed);
  if (drop) --parties_;
  if (--missing_ == 0) {
    missing_ = parties_;
    phase_.store(phase + 1, release);  // release: pairs with the acquire in is_over()
    waiters.claim_all(wakes);
  }
  lock.unlock();  // the last touch: from here on the barrier may be gone
  if (!wakes.empty()) wake_all(wakes);
  return phase;
}

}  // namespace burrow::detail
