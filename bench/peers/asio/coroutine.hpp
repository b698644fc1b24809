// SPDX-License-Identifier: MIT
//
// What asio's benchmarks share: the types of coroutines on one io_context, and what asio lacks.
#pragma once

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/concurrent_channel.hpp>

#include <atomic>
#include <memory>

#include "measure.hpp"

namespace bench {

using executor = asio::io_context::executor_type;
using token = asio::experimental::as_tuple_t<asio::use_awaitable_t<executor>>;
using timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor>;
template <class T = void>
using coroutine = asio::awaitable<T, executor>;
template <class T>
using channel =
    asio::experimental::basic_concurrent_channel<executor, asio::experimental::channel_traits<>,
                                                 void(asio::error_code, T)>;
template <class T>
using shared_channel = std::shared_ptr<channel<T>>;

inline constexpr token done{};
inline constexpr int end_of_items =
    -1;  // close() of asio 1.22 discards what is still in the buffer

template <class T = int>
shared_channel<T> make_channel(executor ex, std::size_t capacity) {
  return std::make_shared<channel<T>>(ex, capacity);
}

template <class T>
auto send(const shared_channel<T>& to, T value) {
  return to->async_send(asio::error_code{}, value, done);
}

/// asio has no wait group: a count, and a channel for the news that it is zero.
class wait_group {
 public:
  wait_group(executor ex, int count) : left_(count), zero_(make_channel(ex, 1)) {}
  void finish_one() {
    if (--left_ > 0) return;
    auto zero = zero_;  // the group may be gone once this is sent
    zero->try_send(asio::error_code{}, 0);
  }
  coroutine<> wait() { co_await zero_->async_receive(done); }

 private:
  std::atomic<int> left_;
  shared_channel<int> zero_;
};

template <class F>
coroutine<> repeat(std::string name, const char* unit, F once, better which = better::lower) {
  std::vector<double> values;
  for (int i = 0; i < config().reps; ++i) values.push_back(co_await once());
  report(name, values, unit, which);
}

template <class F>
void go(executor ex, F body) {
  asio::co_spawn(ex, std::move(body), asio::detached);
}

coroutine<> echoes(executor ex);

}  // namespace bench
