// SPDX-License-Identifier: MIT
#include <burrow/semaphore.hpp>

#include <stdexcept>

namespace burrow::detail {

namespace {

std::int64_t checked(std::int64_t n) {
  if (n < 0) throw std::invalid_argument("semaphore: negative number of units");
  return n;
}

}  // namespace

semaphore_core::semaphore_core(std::int64_t size) : size_(checked(size)), free_(size) {}

semaphore_acquire::semaphore_acquire(semaphore_core& core, std::int64_t units) : core_(&core) {
  n = checked(units);
}

bool semaphore_core::try_acquire(std::int64_t n) {
  if (!may_acquire(checked(n))) return false;
  locked hold(lock);
  return take(n);
}

void semaphore_core::release(std::int64_t n) {
  checked(n);
  wake_list wakes;
  lock.lock();
  const std::int64_t free = free_.load(relaxed);
  if (n > size_ - free) {
    lock.unlock();
    throw std::logic_error("semaphore: released more than held");
  }
  free_.store(free + n, detail::release);  // release: pairs with the acquire in may_acquire()
  grant(wakes);
  lock.unlock();  // the last touch: from here on the semaphore may be gone
  if (!wakes.empty()) wake_all(wakes);
}

/// Under the lock: serves the head of the queue as long as it fits. A waiter that cannot be claimed
/// has been resumed by something else, so it asks for nothing any more.
void semaphore_core::grant(wake_list& wakes) noexcept {
  std::int64_t free = free_.load(relaxed);
  while (waiter* head = queue_.front()) {
    auto& w = static_cast<semaphore_waiter&>(*head);
    if (w.n > free) break;
    queue_.remove(w);
    if (!w.claim()) continue;
    free -= w.n;
    wakes.add(w.who);
  }
  free_.store(free, detail::release);  // release: as in release()
}

void semaphore_core::leave(semaphore_waiter& w) noexcept {
  wake_list wakes;
  lock.lock();
  if (w.linked) queue_.remove(w);
  grant(wakes);
  lock.unlock();
  if (!wakes.empty()) wake_all(wakes);
}

}  // namespace burrow::detail
