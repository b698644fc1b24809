// SPDX-License-Identifier: MIT
// A runtime of one worker, on a thread of its own for the life of the process, that runs one input
// after the other: a runtime for each input would take most of the time.
#pragma once

#include "input.hpp"

#include <burrow/burrow.hpp>

#include <run_test.hpp>
#include <thread>

namespace fuzz {

using target = burrow::task<> (*)(input& in);

class one_worker {
 public:
  /// Runs `what` with these bytes in a goroutine of that runtime, to its end.
  static void run(const std::uint8_t* data, std::size_t size, target what) {
    static one_worker instance(what);
    input in(data, size);
    instance.inputs_.send_blocking(&in);
    instance.ended_.recv_blocking();
  }

  one_worker(const one_worker&) = delete;
  one_worker& operator=(const one_worker&) = delete;

 private:
  explicit one_worker(target what)
      : thread_([this, what] {
          burrow::options opt;
          opt.workers = 1;
          burrow::run(opt, work, what, inputs_, ended_);
        }) {}
  ~one_worker() { inputs_.close(); }

  static burrow::task<> work(target what, burrow::chan<input*> inputs, burrow::chan<> ended) {
    for (;;) {
      input* in = nullptr;
      const bool ok = co_await inputs.recv(in);
      if (!ok) co_return;
      co_await what(*in);
      co_await until_quiet();
      expect(parked_goroutines() == 0, "an input leaves no goroutine behind");
      co_await ended.send();
    }
  }

  burrow::chan<input*> inputs_ = burrow::make_chan<input*>();
  burrow::chan<> ended_ = burrow::make_chan<>();
  std::jthread thread_;
};

}  // namespace fuzz
