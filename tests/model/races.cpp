// SPDX-License-Identifier: MIT
#include "races.hpp"

#include <algorithm>

namespace model {

race_detector::race_detector() : table_(std::make_unique<granule[]>(slots)) { freed_.reserve(256); }

void race_detector::begin() noexcept {
  ++epoch_;
  freed_.clear();
}

race_detector::granule& race_detector::granule_of(std::uintptr_t address) noexcept {
  auto i = static_cast<unsigned>(((address >> 3) * 0x9e3779b97f4a7c15u) >> 49);
  for (unsigned tries = 0; tries < 64; ++tries, i = (i + 1) % slots) {
    granule& g = table_[i];
    if (g.epoch != epoch_) {
      g.address = address;
      g.epoch = epoch_;
      g.entries = {};
      return g;
    }
    if (g.address == address) return g;
  }
  // The table is crowded: what is known of one granule is forgotten.
  table_[i].address = address;
  table_[i].entries = {};
  return table_[i];
}

bool race_detector::is_freed(std::uintptr_t at) const noexcept {
  return std::any_of(freed_.begin(), freed_.end(),
                     [at](const range& r) { return at >= r.begin && at < r.end; });
}

race race_detector::access(unsigned who, const view& now, const void* at, unsigned size,
                           bool is_write, const void* by) noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(at);
  if (!freed_.empty() && is_freed(address)) {
    race r;
    r.found = true;
    r.after_free = true;
    r.at = at;
    return r;
  }
  while (size != 0) {
    const auto offset = static_cast<unsigned>(address % 8);
    const unsigned here = std::min(size, 8 - offset);
    const auto bytes = static_cast<std::uint8_t>(((1u << here) - 1) << offset);
    const race r = access_granule(who, now, address - offset, bytes, is_write, by);
    if (r.found) return r;
    address += here;
    size -= here;
  }
  return {};
}

race race_detector::access_granule(unsigned who, const view& now, std::uintptr_t address,
                                   std::uint8_t bytes, bool is_write, const void* by) noexcept {
  granule& g = granule_of(address);
  entry* room = nullptr;
  for (entry& e : g.entries) {
    if (e.bytes == 0) {
      if (room == nullptr) room = &e;
      continue;
    }
    const bool is_before = e.thread == who || now.clock[e.thread] >= e.step;
    if (!is_before && (e.bytes & bytes) != 0 && (is_write || e.is_write)) {
      race r;
      r.found = true;
      r.other = e.thread;
      r.other_wrote = e.is_write;
      r.at = reinterpret_cast<const void*>(address);
      r.other_by = e.by;
      return r;
    }
    // Whoever races with the older access races with this one as well.
    const bool is_covered = (e.bytes & ~bytes) == 0 && (is_write || !e.is_write);
    if (is_before && is_covered) {
      e.bytes = 0;
      if (room == nullptr) room = &e;
    }
  }
  if (room == nullptr) room = &g.entries[address / 8 % g.entries.size()];
  // A step ends with the next release, so what comes after it is not covered by what that carries.
  *room = {bytes, static_cast<std::uint8_t>(who), is_write, now.clock[who], by};
  return {};
}

void race_detector::freed(const void* at, std::size_t size) noexcept {
  const auto begin = reinterpret_cast<std::uintptr_t>(at);
  freed_.push_back({begin, begin + size});
}

}  // namespace model
