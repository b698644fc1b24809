// exit: 2
// stderr: fatal error: sync: RUnlock of unlocked RWMutex
// ids: RW6
// SPDX-License-Identifier: MIT
//
// RW6: a lock that is held for writing cannot be given back by runlock().
#include <burrow/burrow.hpp>

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::rw_mutex mu;
    co_await mu.lock();
    mu.runlock();
  });
}
