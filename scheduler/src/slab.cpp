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
    g->bubble = bubble_;
    first = g;
  }
  return first;
}

void slab::give_batch(goroutine* first, std::size_t count) noexcept {
  first->list_length = static_cast<std::uint8_t>(count);
  std::lock_guard hold(mutex_);
  first->next_list = batches_;
  batches_ = first;
}

std::vector<slab::entry> slab::in_use() const {
  std::vector<entry> found;
  for (const auto& chunk : chunks_) {
    for (std::size_t i = 0; i < slots_per_chunk; ++i) {
      // acquire: a goroutine that is seen here is seen as it was when it was made.
      const std::uint64_t id = chunk[i].id.load(acquire);
      if (id != 0) found.push_back({id, &chunk[i]});
    }
  }
  std::sort(found.begin(), found.end(), [](const entry& a, const entry& b) { return a.id < b.id; });
  return found;
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
