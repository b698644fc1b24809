// SPDX-License-Identifier: MIT
// The threads of a runtime, and how many the process has. A source of its own: the model build has
// no threads of the system.
#include <burrow/detail/scheduler.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace burrow::detail {

void scheduler::start_threads() {
  // The calling thread is worker 0.
  own_threads().fetch_add(1, seq_cst);
  try {
    for (std::size_t i = 1; i < workers_.size(); ++i) {
      own_threads().fetch_add(1, seq_cst);
      threads_.emplace_back([w = workers_[i].get()] { w->run(); });
    }
    if (bubble_ != nullptr) return;  // nobody else could serve a worker that is stuck
    own_threads().fetch_add(1, seq_cst);
    monitor_ = std::thread([this] { monitor_loop(); });
  } catch (const std::system_error& e) {
    take_back_threads();
    throw std::system_error(e.code(), "no thread for a worker can be started");
  } catch (...) {
    take_back_threads();
    throw;
  }
}

/// One that was counted could not be started.
void scheduler::take_back_threads() noexcept {
  stop();
  for (auto& t : threads_) t.join();
  own_threads().fetch_sub(static_cast<int>(threads_.size()) + 2, seq_cst);
}

void scheduler::join_monitor() noexcept {
  {
    std::lock_guard hold(monitor_mutex_);
    monitor_kicked_ = true;
  }
  monitor_signal_.notify_all();
  monitor_.join();
}

/// A walk through /proc/self/task would not do: it ends early, and counts too few, if the thread at
/// which it stands ends meanwhile.
int threads_of_process() noexcept {
  std::FILE* file = std::fopen("/proc/self/stat", "re");
  if (file == nullptr) return -1;
  std::array<char, 1024> text;
  const std::size_t length = std::fread(text.data(), 1, text.size() - 1, file);
  std::fclose(file);
  text[length] = '\0';
  // The second field is the program's name, in brackets; whatever it contains, the last one closes
  // it. The number of threads is the eighteenth after that (proc(5), num_threads).
  const char* at = std::strrchr(text.data(), ')');
  for (int field = 0; at != nullptr && field < 18; ++field) at = std::strchr(at + 1, ' ');
  if (at == nullptr) return -1;
  return std::atoi(at) - BURROW_TSAN;  // ThreadSanitizer keeps a thread of its own
}

}  // namespace burrow::detail
