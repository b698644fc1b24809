// SPDX-License-Identifier: MIT
// What detail::atomic is in a model build. It is as large as its value, so layouts are those that
// ship; what is known of its history is kept by the checker, by address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <type_traits>

namespace model {

using place = std::source_location;

enum class change : std::uint8_t { exchange, add, subtract, bit_or, bit_and };

std::uint64_t load(const void* at, unsigned size, std::memory_order order, const place& where);
void store(void* at, unsigned size, std::uint64_t value, std::memory_order order,
           const place& where);
std::uint64_t modify(void* at, unsigned size, change how, std::uint64_t operand,
                     std::memory_order order, const place& where);
bool compare_exchange(void* at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, const place& where);
void wait(const void* at, unsigned size, std::uint64_t old, std::memory_order order,
          const place& where);
void notify(const void* at, const place& where);
void destroyed(const void* at, unsigned size) noexcept;

/// An operation may throw nothing, but a failed execution is left from within it.
template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  using order_t = std::memory_order;

 public:
  using value_type = T;

  constexpr atomic() noexcept : value_() {}
  constexpr atomic(T value) noexcept : value_(value) {}
  ~atomic() { destroyed(&value_, sizeof(T)); }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(order_t o, const place& where = place::current()) const noexcept {
    return value(model::load(&value_, sizeof(T), o, where));
  }
  void store(T v, order_t o, const place& where = place::current()) noexcept {
    model::store(&value_, sizeof(T), bits(v), o, where);
  }
  T exchange(T v, order_t o, const place& where = place::current()) noexcept {
    return value(modify(&value_, sizeof(T), change::exchange, bits(v), o, where));
  }
  T fetch_add(T v, order_t o, const place& where = place::current()) noexcept {
    return value(modify(&value_, sizeof(T), change::add, bits(v), o, where));
  }
  T fetch_sub(T v, order_t o, const place& where = place::current()) noexcept {
    return value(modify(&value_, sizeof(T), change::subtract, bits(v), o, where));
  }
  T fetch_or(T v, order_t o, const place& where = place::current()) noexcept {
    return value(modify(&value_, sizeof(T), change::bit_or, bits(v), o, where));
  }
  T fetch_and(T v, order_t o, const place& where = place::current()) noexcept {
    return value(modify(&value_, sizeof(T), change::bit_and, bits(v), o, where));
  }
  bool compare_exchange_strong(T& expected, T desired, order_t success, order_t failure,
                               const place& where = place::current()) noexcept {
    std::uint64_t seen = bits(expected);
    const bool done =
        model::compare_exchange(&value_, sizeof(T), seen, bits(desired), success, failure, where);
    if (!done) expected = value(seen);
    return done;
  }
  bool compare_exchange_strong(T& expected, T desired, order_t success,
                               const place& where = place::current()) noexcept {
    return compare_exchange_strong(expected, desired, success, without_release(success), where);
  }
  bool compare_exchange_weak(T& expected, T desired, order_t success, order_t failure,
                             const place& where = place::current()) noexcept {
    return compare_exchange_strong(expected, desired, success, failure, where);
  }
  bool compare_exchange_weak(T& expected, T desired, order_t success,
                             const place& where = place::current()) noexcept {
    return compare_exchange_strong(expected, desired, success, without_release(success), where);
  }
  void wait(T old, order_t o, const place& where = place::current()) const noexcept {
    model::wait(&value_, sizeof(T), bits(old), o, where);
  }
  void notify_one(const place& where = place::current()) noexcept { notify(&value_, where); }
  void notify_all(const place& where = place::current()) noexcept { notify(&value_, where); }

 private:
  static constexpr order_t without_release(order_t o) noexcept {
    if (o == std::memory_order_acq_rel) return std::memory_order_acquire;
    return o == std::memory_order_release ? std::memory_order_relaxed : o;
  }
  static std::uint64_t bits(T v) noexcept {
    std::uint64_t b = 0;
    __builtin_memcpy(&b, &v, sizeof(T));
    return b;
  }
  static T value(std::uint64_t b) noexcept {
    T v;
    __builtin_memcpy(&v, &b, sizeof(T));
    return v;
  }

  T value_;  // the newest value
};

/// The number of the thread of the model that runs.
unsigned current_thread() noexcept;
/// A number for each execution.
std::uint64_t current_execution() noexcept;

/// What is thread_local in a normal build. The threads of each execution are new ones, also after
/// one that failed and has left its threads in the middle.
template <class T>
class per_thread {
 public:
  operator T() const noexcept {
    const slot& s = slots_[current_thread()];
    return s.execution == current_execution() ? s.value : T{};
  }
  per_thread& operator=(T value) noexcept {
    slots_[current_thread()] = {value, current_execution()};
    return *this;
  }

 private:
  struct slot {
    T value;
    std::uint64_t execution;
  };
  std::array<slot, 8> slots_{};
};

}  // namespace model
