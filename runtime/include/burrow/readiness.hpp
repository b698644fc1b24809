// SPDX-License-Identifier: MIT
// Waiting until a descriptor is ready, without reading or writing.
#pragma once

#include <burrow/detail/io_core.hpp>

#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace burrow {

namespace detail {

/// A descriptor's being ready as an operation, for select; see io::readiness. Asks the kernel when
/// the wait begins, and has the driver watch for what comes after that.
class readiness_case : public operation<readiness_case> {
 public:
  static constexpr wait_reason reason = wait_reason::io_wait;

  readiness_case(descriptor_ref on, io_side side) noexcept : on_(std::move(on)), side_(side) {}
  readiness_case(readiness_case&& other) noexcept
      : operation(static_cast<operation&&>(other)),  // the base alone is moved here
        on_(std::move(other.on_)),
        side_(other.side_) {}
  ~readiness_case();

  void prepare() noexcept;
  /// Null: of nothing, and never ready.
  wait_source* source() const noexcept { return on_.get(); }
  bool ready() const noexcept;
  bool attempt(goroutine*&) noexcept { return ready(); }
  void enlist() noexcept;
  void delist() noexcept;
  /// Errors: errc::not_open, errc::io_timeout; or what the kernel says of a descriptor that cannot
  /// be waited for.
  burrow::result<void> result() const noexcept;

 private:
  descriptor_ref on_;
  io_side side_;
  bool is_prepared_ = false;
  bool is_user_ = false;
  bool is_ready_ = false;
  bool is_counted_ = false;
  int failed_ = 0;
  std::uint32_t seen_ = 0;  // events of that side before the first look
  driver_group* group_ = nullptr;
};

}  // namespace detail

namespace io {

/// Awaited: until the descriptor is ready, as poll(2) means it; gives a result<void>. Fails with
/// the error of the Context that the goroutine carries when that ends. As a case of select it waits
/// for the descriptor alone, and for that of a nil handle for ever. Who is woken may find nothing:
/// another has taken it, or it was there before.
class [[nodiscard("it is awaited, or given to select")]] readiness : public detail::readiness_case {
 public:
  using detail::readiness_case::readiness_case;
  readiness(readiness&& other) noexcept : readiness_case(std::move(other)) {}

  bool await_ready() noexcept {
    ended_ = source() != nullptr ? end_of_context() : errc::not_open;
    if (ended_) {  // whoever goes on all the same starves nobody
      if (this->who->budget <= 1) return this->who->exiting;
      --this->who->budget;
      return true;
    }
    wait_.emplace(*this->who, static_cast<detail::readiness_case&>(*this));
    return wait_->await_ready();
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
    return ended_ ? detail::yield_to_others(*this->who, h) : wait_->await_suspend(h);
  }
  burrow::result<void> await_resume() {
    if (ended_) return ended_;
    const bool has_happened = wait_->await_resume();
    return has_happened ? result() : burrow::result<void>(end_of_context());
  }

 private:
  std::error_code end_of_context() const noexcept;

  std::error_code ended_;
  std::optional<detail::io_wait<detail::readiness_case>::awaiter> wait_;
};

}  // namespace io
}  // namespace burrow
