// SPDX-License-Identifier: MIT
#include "views.hpp"

#include <cstring>

namespace model {

void memory_model::begin() noexcept {
  ++epoch_;
  count_ = 0;
}

std::uint64_t memory_model::raw(const void* at, unsigned size) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, at, size);
  return value;
}

void memory_model::set_raw(void* at, unsigned size, std::uint64_t value) noexcept {
  std::memcpy(at, &value, size);
}

memory_model::slot& memory_model::slot_of(const void* at) noexcept {
  auto i =
      static_cast<unsigned>((reinterpret_cast<std::uintptr_t>(at) * 0x9e3779b97f4a7c15u) >> 54);
  while (table_[i].epoch == epoch_ && table_[i].at != at) i = (i + 1) % slots;
  return table_[i];
}

unsigned memory_model::find(const void* at, unsigned size) {
  slot& s = slot_of(at);
  if (s.epoch == epoch_ && s.index != max_locations) return s.index;
  if (count_ == max_locations) return max_locations;
  s = {at, epoch_, static_cast<std::uint16_t>(count_)};
  location& l = locations_[count_];
  l.at = at;
  l.size = size;
  l.floor_of_seq_cst = 0;
  l.notified = 0;
  l.count = 0;
  l.add().value = raw(at, size);
  return count_++;
}

/// The next object at this address has a history of its own.
void memory_model::forget(const void* at) noexcept {
  slot& s = slot_of(at);
  if (s.epoch == epoch_) s.index = max_locations;
}

}  // namespace model
