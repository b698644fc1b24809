// SPDX-License-Identifier: MIT
// Release/acquire memory with stale reads.
//
// Each location has the history of its stores, in the order of their execution, which is taken for
// its modification order. A *view* says, for each location, how old a store may at most be seen. A
// thread's view grows with what it reads and writes; a release store carries the view of its
// thread, and an acquire load of it takes that view over. A read-modify-write reads the newest
// store, and carries on what the store before it carried (release sequences).
//
// seq_cst: the order of execution is the single total order. So a seq_cst load sees nothing older
// than what any earlier seq_cst operation on the location has read or written; and a seq_cst
// operation is acquire and release besides.
//
// A view counts the steps of each thread, too: what happens-before is, for the race detector.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace model {

inline constexpr unsigned max_threads = 8;
inline constexpr unsigned max_locations = 240;

struct view {
  std::array<std::uint16_t, max_threads> clock{};
  std::array<std::uint16_t, max_locations> seen{};

  void join(const view& other, unsigned locations) noexcept {
    for (unsigned i = 0; i < max_threads; ++i) clock[i] = std::max(clock[i], other.clock[i]);
    for (unsigned i = 0; i < locations; ++i) seen[i] = std::max(seen[i], other.seen[i]);
  }
  void copy(const view& other, unsigned locations) noexcept {
    clock = other.clock;
    std::copy_n(other.seen.begin(), locations, seen.begin());
  }
};

struct store_record {
  std::uint64_t value = 0;
  bool carries = false;         // `carried` has something
  std::uint16_t locations = 0;  // of `carried` so many are known
  view carried;
};

struct location {
  const void* at = nullptr;
  unsigned size = 0;
  std::uint16_t floor_of_seq_cst = 0;
  std::uint32_t notified = 0;
  std::uint16_t count = 0;           // of stores; the first is the initial value
  std::vector<store_record> stores;  // only grows, and is used again in the next execution

  store_record& newest() noexcept { return stores[count - 1u]; }
  store_record& add() {
    if (count == stores.size()) stores.emplace_back();
    store_record& s = stores[count++];
    s.carries = false;
    return s;
  }
};

class memory_model {
 public:
  void begin() noexcept;
  /// The number of the location there; made with its present value where there is none yet.
  /// max_locations: there are too many.
  unsigned find(const void* at, unsigned size);
  void forget(const void* at) noexcept;
  location& operator[](unsigned i) noexcept { return locations_[i]; }
  const location& operator[](unsigned i) const noexcept { return locations_[i]; }
  unsigned count() const noexcept { return count_; }

  static std::uint64_t raw(const void* at, unsigned size) noexcept;
  static void set_raw(void* at, unsigned size, std::uint64_t value) noexcept;

 private:
  static constexpr unsigned slots = 1024;  // of the hash table
  struct slot {
    const void* at = nullptr;
    std::uint32_t epoch = 0;
    std::uint16_t index = 0;
  };
  slot& slot_of(const void* at) noexcept;

  std::array<slot, slots> table_{};
  std::array<location, max_locations> locations_{};
  unsigned count_ = 0;
  std::uint32_t epoch_ = 0;
};

}  // namespace model
