// SPDX-License-Identifier: MIT
#include <burrow/detail/chan_core.hpp>
#include <burrow/detail/memory.hpp>

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>

namespace burrow::detail {

namespace {

void move_from_source(void* to, void* from) {
  auto& source = *static_cast<element_source*>(from);
  source.move(to, source);
}

constexpr std::size_t largest_block = std::size_t{1} << 47;  // what an address space can hold

std::size_t block_size(const element_type& element, std::size_t capacity) {
  const std::size_t each = element.trivial ? element.size : sizeof(chan_cell*);
  // A negative capacity arrives as a huge one, and is refused for elements of size zero too.
  if (capacity > std::numeric_limits<std::size_t>::max() / 2 ||
      (each != 0 && capacity > (largest_block - sizeof(chan_core)) / each)) {
    throw std::length_error("makechan: size out of range");
  }
  const std::size_t size = sizeof(chan_core) + each * capacity;
  return (size + alignof(chan_core) - 1) / alignof(chan_core) * alignof(chan_core);
}

std::size_t cell_size(const element_type& element) noexcept {
  return offsetof(chan_cell, element) +
         std::max<std::size_t>(element.size, sizeof(std::exception_ptr));
}

}  // namespace

chan_core* chan_core::make(const element_type& element, std::size_t capacity) {
  void* block = allocate_block(block_size(element, capacity));
  auto* core = new (block) chan_core(element, capacity);
  if (element.trivial) return core;
  // Cells for a full buffer exist from the start, so that a send allocates nothing.
  try {
    for (std::size_t i = 0; i < capacity; ++i) {
      auto* cell = static_cast<chan_cell*>(allocate_block(cell_size(element)));
      cell->next = core->free_cells_;
      core->free_cells_ = cell;
    }
  } catch (...) {
    core->destroy();
    throw;
  }
  return core;
}

void chan_core::destroy() noexcept {
  if (!element_->trivial) {
    const std::size_t count = count_.load(relaxed);
    for (std::size_t i = 0; i < count; ++i) {
      chan_cell* cell = cells()[wrap(head_ + i)];
      clear(*cell);
      cell->next = free_cells_;
      free_cells_ = cell;
    }
    free_all_cells();
  }
  const std::size_t size = block_size(*element_, capacity_);
  this->~chan_core();
  free_block_memory(this, size);
}

void chan_core::free_all_cells() noexcept {
  const std::size_t size = cell_size(*element_);
  for (chan_cell* list : {free_cells_, returned_cells_.load(acquire)}) {
    while (list != nullptr) {
      chan_cell* next = list->next;
      free_block_memory(list, size);
      list = next;
    }
  }
}

void chan_core::last_handle_gone() noexcept {
  lock.lock();
  orphaned_ = true;
  const bool orphan = is_orphan();
  lock.unlock();
  if (orphan) destroy();
}

void chan_core::leave(wait_list& list, chan_waiter& w) noexcept {
  lock.lock();
  if (w.linked) {
    list.remove(w);
  } else {
    --lost_;
  }
  const bool orphan = is_orphan();
  lock.unlock();
  if (orphan) destroy();
}

// --- under the lock ------------------------------------------------------------------------------

void chan_core::move_element(void* to, void* from, chan_waiter& receiver) noexcept {
  std::exception_ptr* error = receiver.error;
  try {
    move_from_source(to, from);
  } catch (...) {
    *error = std::current_exception();
  }
}

chan_cell* chan_core::free_cell() noexcept {
  if (free_cells_ == nullptr) {
    // acquire: the receivers have left these cells; pairs with the release in take_cell().
    free_cells_ = returned_cells_.exchange(nullptr, acquire);
  }
  chan_cell* cell = free_cells_;
  if (cell != nullptr) free_cells_ = cell->next;
  return cell;
}

/// The send is over in any case: with w.delivered, or with *w.error where memory is lacking.
void chan_core::push_cell(chan_waiter& w, std::size_t count) noexcept {
  chan_cell* cell = free_cell();
  if (cell == nullptr) {
    // Only while receivers hold cells; see the head of the header.
    try {
      cell = static_cast<chan_cell*>(allocate_block(cell_size(*element_)));
    } catch (...) {
      *w.error = std::current_exception();
      return;
    }
  }
  try {
    move_from_source(cell->element, w.value);
    cell->failed = false;
  } catch (...) {
    ::new (static_cast<void*>(cell->element)) std::exception_ptr(std::current_exception());
    cell->failed = true;
  }
  cells()[wrap(head_ + count)] = cell;
  count_.store(count + 1, release);  // release: pairs with the acquire in may_receive()
  w.delivered = true;
}

// --- without the lock ----------------------------------------------------------------------------

void chan_core::clear(chan_cell& cell) noexcept {
  if (cell.failed) {
    std::destroy_at(std::launder(reinterpret_cast<std::exception_ptr*>(cell.element)));
  } else {
    element_->destroy(cell.element);
  }
}

void chan_core::take_cell(chan_cell* cell, void* to) {
  struct give_back {
    chan_core& core;
    chan_cell* cell;
    ~give_back() {
      core.clear(*cell);
      cell->next = core.returned_cells_.load(relaxed);
      // release: pairs with the acquire in free_cell().
      while (!core.returned_cells_.compare_exchange_weak(cell->next, cell, release, relaxed)) {
      }
    }
  } guard{*this, cell};
  if (cell->failed) {
    std::rethrow_exception(*std::launder(reinterpret_cast<std::exception_ptr*>(cell->element)));
  }
  element_->move(to, cell->element);
}

bool chan_core::close() noexcept {
  check_bubble(bubble_);
  wake_list wakes;
  {
    locked hold(lock);
    if (closed_.load(relaxed)) return false;
    closed_.store(true, release);  // release: pairs with the acquire in may_receive()
    for (wait_list* list : {&receivers_, &senders_}) {
      while (chan_waiter* w = pop_claimed(*list)) {
        w->closed = true;
        wakes.add(w->who);
      }
    }
  }
  wake_all(wakes);
  return true;
}

}  // namespace burrow::detail
