// SPDX-License-Identifier: MIT
#pragma once

namespace burrow {

/// Unwinds a goroutine: thrown by this_goroutine::exit() (Go's runtime.Goexit), and by an operation
/// of a goroutine that was abandoned. Not a std::exception, so that a handler for errors does not
/// take it for one. Whoever swallows it gets it again at the next operation that has to wait.
struct goroutine_exit {};

}  // namespace burrow
