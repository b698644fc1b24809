// expect: a Context that nobody holds is cancelled at once
// SPDX-License-Identifier: MIT
//
// Deriving a Context and dropping it.
#include <burrow/context.hpp>

using namespace burrow;

void body() {
#ifdef CONTROL
  auto [ctx, cancel] = with_cancel(background());
#else
  with_cancel(background());
#endif
}
