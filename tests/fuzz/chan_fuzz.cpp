// SPDX-License-Identifier: MIT
// A channel: sends, receives and tries, with a Context and without, close and cancel.
#include "channel_world.hpp"

namespace {

using namespace fuzz;

burrow::task<> one(input& in) {
  channel_world world({in.below(4), 0, 0});
  for (int step = 1; !in.empty() && step < 100; ++step) {
    const unsigned choice = in.below(16);
    request r;
    r.cases.push_back({0, choice % 2 == 0, step});
    if (choice == 15) {
      co_await world.close(0);
    } else if (choice == 14) {
      co_await world.cancel();
    } else if (choice >= 10) {
      r.has_otherwise = true;
      world.try_now(r);
      co_await world.check_try(r);
    } else {
      r.watches = choice >= 6;
      co_await world.start(r);
    }
  }
  co_await world.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_worker::run(data, size, one);
  return 0;
}
