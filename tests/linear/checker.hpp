// SPDX-License-Identifier: MIT
// Whether a history is linearizable.
#pragma once

#include "history.hpp"

namespace linear {

/// True: the operations of `h`, at most 32, can be put into an order that agrees with their times
/// and in which Go's channels, one operation after the other, would have given the same outcomes.
bool is_linearizable(const history& h);

}  // namespace linear
