// SPDX-License-Identifier: MIT
// Cases of select for what the kernel gives: a goroutine gets it, and passes it on by a channel.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/errc.hpp>
#include <burrow/result.hpp>

#include <utility>

namespace burrow::detail {

/// Where a receive puts a result; a closed channel is an error.
template <class T>
class into_io_result {
 public:
  using outcome = bool;
  explicit into_io_result(result<T>& v) noexcept : variable_(&v) {}
  void* place() noexcept { return slot_.place(); }
  bool received() {
    slot_.mark_full();
    *variable_ = std::move(slot_.value());
    return variable_->has_value();
  }
  bool closed() noexcept {
    *variable_ = errc::not_open;
    return false;
  }

 private:
  result<T>* variable_;
  element_slot<result<T>> slot_;
};

/// True: there is a value.
template <class T>
auto receive_result(const recv_chan<result<T>>& from, result<T>& into) {
  return receive_operation<result<T>, into_io_result<T>>(from.core(), into);
}

}  // namespace burrow::detail
