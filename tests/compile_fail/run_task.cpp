// expect: run takes a callable and its arguments: write run(main), not run(main())
// SPDX-License-Identifier: MIT
//
// The runtime makes the task.
#include <burrow/burrow.hpp>

burrow::task<> work() { co_return; }

burrow::task<> body() {
#ifdef CONTROL
  burrow::run(work);
#else
  burrow::run(work());
#endif
  co_return;
}
