// exit: 2
// stderr: fatal error: sync: unlock of unlocked mutex
// ids: MU2 PA4
// SPDX-License-Identifier: MIT
#include <burrow/burrow.hpp>

int main() {
  burrow::mutex mu;
  mu.unlock();
}
