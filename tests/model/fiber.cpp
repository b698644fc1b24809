// SPDX-License-Identifier: MIT
#include "fiber.hpp"

#include <cstdint>
#include <new>
#include <sys/mman.h>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace model {

fiber::fiber()
    : stack_(static_cast<std::byte*>(::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0))) {
  if (stack_ == MAP_FAILED) throw std::bad_alloc();
}

#if defined(__x86_64__)

// A model switches a hundred times in an execution, and swapcontext() is two system calls.
extern "C" void burrow_model_switch(void** save, void* load) noexcept;

asm(R"(
.text
.globl burrow_model_switch
.type burrow_model_switch,@function
burrow_model_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size burrow_model_switch, .-burrow_model_switch
)");

fiber::~fiber() {
  if (stack_ != nullptr) ::munmap(stack_, stack_size);
}

void fiber::start(void (*entry)()) noexcept {
  auto* top = reinterpret_cast<void**>(stack_ + stack_size);
  *--top = nullptr;  // the address to return to, which is never used
  *--top = reinterpret_cast<void*>(entry);
  for (int saved = 0; saved < 6; ++saved) *--top = nullptr;
  pointer_ = top;
}

void fiber::switch_to(fiber& from, fiber& to) noexcept {
  burrow_model_switch(&from.pointer_, to.pointer_);
}

#else

fiber::~fiber() {
  delete static_cast<ucontext_t*>(pointer_);
  if (stack_ != nullptr) ::munmap(stack_, stack_size);
}

void fiber::start(void (*entry)()) noexcept {
  if (pointer_ == nullptr) pointer_ = new ucontext_t;
  auto* context = static_cast<ucontext_t*>(pointer_);
  ::getcontext(context);
  context->uc_stack.ss_sp = stack_;
  context->uc_stack.ss_size = stack_size;
  context->uc_link = nullptr;
  ::makecontext(context, entry, 0);
}

void fiber::switch_to(fiber& from, fiber& to) noexcept {
  if (from.pointer_ == nullptr) from.pointer_ = new ucontext_t;
  ::swapcontext(static_cast<ucontext_t*>(from.pointer_), static_cast<ucontext_t*>(to.pointer_));
}

#endif

}  // namespace model
