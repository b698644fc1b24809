// SPDX-License-Identifier: MIT
// The provided buffers of a ring: memory from which the kernel chooses when data has come.
//
// A page's worth each, so few suffice: whoever has received takes the data out at once. When none
// is free a request ends with ENOBUFS, and its goroutine goes on by readiness.
#pragma once

#include <burrow/detail/driver.hpp>

#include <cstddef>
#include <cstdint>
#include <liburing.h>
#include <sys/mman.h>

namespace burrow::detail {

class provided_buffers {
 public:
  provided_buffers() noexcept = default;
  provided_buffers(const provided_buffers&) = delete;
  provided_buffers& operator=(const provided_buffers&) = delete;
  /// The ring is gone.
  ~provided_buffers() {
    if (ring_ != nullptr) ::munmap(ring_, mapped);
  }

  /// The first time: registers them. A kernel before 5.19 refuses, and so nothing is provided.
  void set_up(io_uring& with) noexcept {
    if (has_tried_) return;
    has_tried_ = true;
    void* const memory =
        ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
    registration.ring_entries = count;
    registration.bgid = provided_buffer_group;
    if (::io_uring_register_buf_ring(&with, &registration, 0) != 0) {
      ::munmap(memory, mapped);
      return;
    }
    ring_ = static_cast<io_uring_buf_ring*>(memory);
    ::io_uring_buf_ring_init(ring_);
    for (int i = 0; i < static_cast<int>(count); ++i) give_back(i);
  }

  const std::byte* at(int i) const noexcept { return buffer(i); }

  /// The kernel may choose it again.
  void give_back(int i) noexcept {
    ::io_uring_buf_ring_add(ring_, buffer(i), provided_buffer_size, static_cast<unsigned short>(i),
                            ::io_uring_buf_ring_mask(count), 0);
    ::io_uring_buf_ring_advance(ring_, 1);
  }

 private:
  static constexpr unsigned count = 64;
  static constexpr std::size_t head = 4096;  // the ring itself: 16 bytes a buffer
  static constexpr std::size_t mapped = head + count * provided_buffer_size;
  static_assert(count * sizeof(io_uring_buf) <= head);

  std::byte* buffer(int i) const noexcept {
    return reinterpret_cast<std::byte*>(ring_) + head +
           static_cast<std::size_t>(i) * provided_buffer_size;
  }

  io_uring_buf_ring* ring_ = nullptr;
  bool has_tried_ = false;
};

}  // namespace burrow::detail
