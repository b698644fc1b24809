// SPDX-License-Identifier: MIT
// singleflight: work that several want at the same time is done once.
#pragma once

#include <burrow/chan.hpp>
#include <burrow/goroutine_exit.hpp>
#include <burrow/task.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace burrow {

/// Calls for the same key, while one is under way, wait for that one and share its result: a cache
/// that is empty asks its source once. All functions may be called at the same time, by goroutines
/// of any runtime. Go: golang.org/x/sync/singleflight.
template <class Key, class Value, class Hash = std::hash<Key>>
class singleflight {
 public:
  singleflight() = default;
  singleflight(const singleflight&) = delete;
  singleflight& operator=(const singleflight&) = delete;

  /// The result of `co_await f()`: of this call's f, or of the call that is under way for `key`.
  /// An exception goes to all who share it. If who calls f is abandoned, one of the others calls
  /// its own. Go: Do.
  template <class F>
  task<Value> call(Key key, F f) {
    for (;;) {
      const auto [mine, leads] = join(key);
      if (!leads) {
        co_await mine->over.recv();
        if (mine->error) std::rethrow_exception(mine->error);
        if (mine->value) co_return *mine->value;
        continue;  // given up
      }
      const landing at_end(*this, key, mine);
      try {
        mine->value.emplace(co_await f());
      } catch (const goroutine_exit&) {
        throw;
      } catch (...) {
        mine->error = std::current_exception();
      }
      if (mine->error) std::rethrow_exception(mine->error);
      co_return *mine->value;
    }
  }

  /// The next call for `key` begins anew, whatever is under way. Go: Forget.
  void forget(const Key& key) {
    std::lock_guard hold(mutex_);
    flights_.erase(key);
  }

 private:
  struct flight {
    chan<> over = make_chan();  // closed at the end; publishes the others
    std::optional<Value> value;
    std::exception_ptr error;
  };

  /// Ends a flight, also where it is given up.
  struct landing {
    singleflight& all;
    const Key& key;
    std::shared_ptr<flight> mine;

    landing(singleflight& a, const Key& k, std::shared_ptr<flight> m) noexcept
        : all(a), key(k), mine(std::move(m)) {}
    ~landing() {
      {
        std::lock_guard hold(all.mutex_);
        const auto found = all.flights_.find(key);
        if (found != all.flights_.end() && found->second == mine) all.flights_.erase(found);
      }
      mine->over.close();
    }
    landing(const landing&) = delete;
    landing& operator=(const landing&) = delete;
  };

  struct place {
    std::shared_ptr<flight> mine;
    bool leads;
  };
  place join(const Key& key) {
    std::lock_guard hold(mutex_);
    std::shared_ptr<flight>& present = flights_[key];
    const bool leads = present == nullptr;
    if (leads) present = std::make_shared<flight>();
    return {present, leads};
  }

  std::mutex mutex_;  // never held across an await
  std::unordered_map<Key, std::shared_ptr<flight>, Hash> flights_;
};

}  // namespace burrow
