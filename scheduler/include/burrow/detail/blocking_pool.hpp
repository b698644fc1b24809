// SPDX-License-Identifier: MIT
// Threads for calls that block. They start when there is more to do than idle threads, end after
// ten seconds without work, and all end with the runtime.
#pragma once

#include <burrow/detail/atomic.hpp>
#include <burrow/detail/blocking_job.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace burrow::detail {

class blocking_pool {
 public:
  static constexpr std::size_t most_threads = 512;

  blocking_pool() = default;
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;
  ~blocking_pool();

  /// Throws std::system_error when no thread runs and none can be started.
  void submit(blocking_job& job);
  /// Calls queued or running; a glimpse, for the deadlock report.
  std::size_t in_flight() const noexcept { return in_flight_.load(seq_cst); }

 private:
  void loop() noexcept;

  std::mutex mutex_;
  std::condition_variable signal_;
  blocking_job* head_ = nullptr;  // under mutex_, as all below
  blocking_job* tail_ = nullptr;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  std::size_t threads_ = 0;
  bool stopping_ = false;
  std::condition_variable ended_;
  atomic<std::size_t> in_flight_{0};
};

}  // namespace burrow::detail
