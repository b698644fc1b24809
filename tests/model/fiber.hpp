// SPDX-License-Identifier: MIT
// A stack, and the switch from one to another: what the threads of a model run on. All fibers share
// one thread of the system, so nothing happens between two switches but what the checker wants.
#pragma once

#include <cstddef>

namespace model {

class fiber {
 public:
  static constexpr std::size_t stack_size = 256 * 1024;

  fiber();  // throws std::bad_alloc
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// What the next switch to this fiber calls; it must not return. What ran here before is
  /// forgotten, and its objects are not destroyed.
  void start(void (*entry)()) noexcept;

  /// Leaves `from`, which may be the thread's own stack (see from_thread), and goes on in `to`.
  static void switch_to(fiber& from, fiber& to) noexcept;

  /// Stands for the stack of the thread itself.
  struct from_thread {};
  explicit fiber(from_thread) noexcept {}

 private:
  void* pointer_ = nullptr;  // the stack pointer, or a ucontext_t
  std::byte* stack_ = nullptr;
};

}  // namespace model
