// SPDX-License-Identifier: MIT
// Selects with one to four cases on three channels and a nil one, with `otherwise` and without.
#include "channel_world.hpp"

namespace {

using namespace fuzz;

burrow::task<> one(input& in) {
  channel_world world({in.below(3), in.below(3), in.below(3)});
  int value = 0;
  for (int step = 1; !in.empty() && step < 100; ++step) {
    const unsigned choice = in.below(32);
    if (choice == 31) {
      co_await world.close(static_cast<int>(in.below(channels)));
      continue;
    }
    request r;
    r.has_otherwise = choice % 4 == 0;
    // One case at least is not on the nil channel: what waits on that alone waits forever.
    r.cases.push_back({static_cast<int>(in.below(channels)), in.below(2) == 0, ++value});
    for (unsigned n = choice / 8; n > 0; --n) {
      r.cases.push_back({static_cast<int>(in.below(channels + 1)), in.below(2) == 0, ++value});
    }
    co_await world.start(r);
  }
  co_await world.end();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_worker::run(data, size, one);
  return 0;
}
