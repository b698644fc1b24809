// exit: 2
// stderr: fatal error: sync: Unlock of unlocked RWMutex
// ids: RW6
// SPDX-License-Identifier: MIT
//
// RW6: a lock that is held for reading cannot be given back by unlock().
#include <burrow/burrow.hpp>

int main() {
  return burrow::run([]() -> burrow::task<> {
    burrow::rw_mutex mu;
    co_await mu.rlock();
    mu.unlock();
  });
}
