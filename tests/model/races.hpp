// SPDX-License-Identifier: MIT
// Plain accesses that no happens-before orders, and accesses to memory that was freed.
//
// The sources are compiled with the instrumentation of ThreadSanitizer, and linked without it: its
// callbacks, which stand before every plain access, lead here. So every plain field of the sources
// is watched, without a word in them.
#pragma once

#include "views.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace model {

struct race {
  bool found = false;
  bool after_free = false;
  std::uint8_t other = 0;  // the other thread
  bool other_wrote = false;
  const void* at = nullptr;
  const void* other_by = nullptr;  // the instruction of the other thread
};

class race_detector {
 public:
  race_detector();
  void begin() noexcept;
  /// The thread `who`, which has seen `now`, accesses `size` bytes by the instruction `by`.
  race access(unsigned who, const view& now, const void* at, unsigned size, bool is_write,
              const void* by) noexcept;
  void freed(const void* at, std::size_t size) noexcept;

 private:
  struct entry {
    std::uint8_t bytes = 0;  // which of the granule; 0: free
    std::uint8_t thread = 0;
    bool is_write = false;
    std::uint16_t step = 0;
    const void* by = nullptr;
  };
  struct granule {
    std::uintptr_t address = 0;
    std::uint32_t epoch = 0;
    std::array<entry, 8> entries{};
  };
  struct range {
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  static constexpr unsigned slots = 1u << 15;

  granule& granule_of(std::uintptr_t address) noexcept;
  race access_granule(unsigned who, const view& now, std::uintptr_t address, std::uint8_t bytes,
                      bool is_write, const void* by) noexcept;
  bool is_freed(std::uintptr_t at) const noexcept;

  std::unique_ptr<granule[]> table_;
  std::uint32_t epoch_ = 0;
  std::vector<range> freed_;
};

}  // namespace model
