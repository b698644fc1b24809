// SPDX-License-Identifier: MIT
#include <burrow/detail/blocking_pool.hpp>
#include <burrow/detail/scheduler.hpp>

#include <chrono>
#include <system_error>
#include <thread>

namespace burrow::detail {

blocking_pool::~blocking_pool() {
  std::unique_lock hold(mutex_);
  stopping_ = true;
  signal_.notify_all();
  ended_.wait(hold, [this] { return threads_ == 0; });
}

void blocking_pool::submit(blocking_job& job) {
  std::unique_lock hold(mutex_);
  if (queued_ >= idle_ && threads_ < most_threads) {
    ++threads_;
    own_threads().fetch_add(1, seq_cst);
    try {
      std::thread([this, b = current_bubble()] {
        enter_bubble(b);  // of whoever submits: this pool's runtime is the bubble's
        loop();
      }).detach();
    } catch (const std::system_error& e) {
      --threads_;
      own_threads().fetch_sub(1, seq_cst);
      if (threads_ == 0) {
        throw std::system_error(e.code(), "no thread for a blocking call can be started");
      }
    } catch (...) {  // no memory for it
      --threads_;
      own_threads().fetch_sub(1, seq_cst);
      if (threads_ == 0) throw;
    }
  }
  in_flight_.fetch_add(1, seq_cst);
  job.next = nullptr;
  (tail_ != nullptr ? tail_->next : head_) = &job;
  tail_ = &job;
  ++queued_;
  hold.unlock();
  signal_.notify_one();
}

void blocking_pool::loop() noexcept {
  std::unique_lock hold(mutex_);
  for (;;) {
    if (head_ == nullptr) {
      ++idle_;
      const bool signalled = signal_.wait_for(hold, std::chrono::seconds(10),
                                              [this] { return head_ != nullptr || stopping_; });
      --idle_;
      if (!signalled || head_ == nullptr) break;
    }
    blocking_job* job = head_;
    head_ = job->next;
    if (head_ == nullptr) tail_ = nullptr;
    --queued_;
    hold.unlock();
    job->run(*job);
    in_flight_.fetch_sub(1, seq_cst);
    hold.lock();
  }
  --threads_;
  own_threads().fetch_sub(1, seq_cst);
  ended_.notify_all();  // under the mutex: the pool may be gone right after
}

}  // namespace burrow::detail
