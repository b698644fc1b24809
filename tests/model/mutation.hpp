// SPDX-License-Identifier: MIT
// Ordering mutation: each order that is not relaxed is weakened in turn, at its place in the
// sources, and some model has to fail. Where none does, the order is not needed, or not tested.
#pragma once

#include <cstdint>

namespace model {

/// Returns how many sites no model has missed. Prints each site, and what came of it.
unsigned mutate(std::uint64_t seed, const char* only);

}  // namespace model
