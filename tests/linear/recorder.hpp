// SPDX-License-Identifier: MIT
// Runs random programs on real channels and records their histories.
#pragma once

#include "history.hpp"

#include <burrow/burrow.hpp>

#include <cstdint>
#include <memory>

namespace linear {

/// How the parties of a program run.
enum class parties {
  goroutines,  // of the runtime that records; mostly they take turns on one worker
  runtimes,    // goroutines of a runtime each: all of them in parallel, and all can wait
  threads,     // plain threads
  both,        // goroutines of one runtime, and plain threads
};

class crew;

/// Records histories, one after the other. To be used by one goroutine.
class recorder {
 public:
  explicit recorder(parties who);
  recorder(const recorder&) = delete;
  recorder& operator=(const recorder&) = delete;
  ~recorder();

  /// The history of the program that `seed` makes: three parties or fewer, each with up to four
  /// operations on new channels. At last, both channels are closed, or what still waits is
  /// abandoned; that is for `goroutines` alone.
  burrow::task<history> record(std::uint64_t seed);

 private:
  parties who_;
  std::unique_ptr<crew> crew_;  // runtimes
};

}  // namespace linear
