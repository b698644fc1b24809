// SPDX-License-Identifier: MIT
#include <burrow/detail/scheduler.hpp>
#include <burrow/detail/slab.hpp>

#include <algorithm>
#include <cstring>

namespace burrow::detail {

goroutine* slab::take_batch(std::size_t& count) {
  std::lock_guard hold(mutex_);
  if (batches_ != nullptr) {
    goroutine* first = batches_;
    batches_ = first->next_list;
    count = first->list_length;
    return first;
  }
  if (carved_ == slots_per_chunk) {
    chunks_.push_back(std::make_unique<goroutine[]>(slots_per_chunk));
    carved_ = 0;
  }
  goroutine* chunk = chunks_.back().get();
  goroutine* first = nullptr;
  for (count = 0; count < batch_size && carved_ < slots_per_chunk; ++count) {
    goroutine* g = &chunk[slots_per_chunk - ++carved_];
    g->next = first;
    first = g;
  }
  return first;
}

void slab::give_batch(goroutine* first, std::size_t count) noexcept {
  first->list_length = static_cast<std::uint32_t>(count);
  std::lock_guard hold(mutex_);
  first->next_list = batches_;
  batches_ = first;
}

void set_name(goroutine& g, std::string_view name) {
  constexpr std::size_t longest = 63;
  const std::size_t size = std::min(name.size(), longest);
  char* copy = new char[size + 1];
  std::memcpy(copy, name.data(), size);
  copy[size] = '\0';
  g.home->owner().registry().rename(g, copy);
}

}  // namespace burrow::detail
