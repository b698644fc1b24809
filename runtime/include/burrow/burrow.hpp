// SPDX-License-Identifier: MIT
// All of burrow but the network, which is <burrow/net.hpp>. See docs/ for the guide, and
// docs/go-to-burrow.md for Go's words.
#pragma once

#include <burrow/after.hpp>
#include <burrow/after_func.hpp>
#include <burrow/barrier.hpp>
#include <burrow/blocking.hpp>
#include <burrow/broadcast.hpp>
#include <burrow/chan.hpp>
#include <burrow/combine.hpp>
#include <burrow/cond.hpp>
#include <burrow/context.hpp>
#include <burrow/context_key.hpp>
#include <burrow/custom_context.hpp>
#include <burrow/deferred.hpp>
#include <burrow/errc.hpp>
#include <burrow/errors.hpp>
#include <burrow/go.hpp>
#include <burrow/goroutine_exit.hpp>
#include <burrow/group.hpp>
#include <burrow/latch.hpp>
#include <burrow/mutex.hpp>
#include <burrow/once.hpp>
#include <burrow/oneshot.hpp>
#include <burrow/options.hpp>
#include <burrow/rate_limiter.hpp>
#include <burrow/run.hpp>
#include <burrow/runtime_clock.hpp>
#include <burrow/rw_mutex.hpp>
#include <burrow/scope.hpp>
#include <burrow/select.hpp>
#include <burrow/semaphore.hpp>
#include <burrow/signal.hpp>
#include <burrow/singleflight.hpp>
#include <burrow/sleep.hpp>
#include <burrow/task.hpp>
#include <burrow/this_goroutine.hpp>
#include <burrow/ticker.hpp>
#include <burrow/timer.hpp>
#include <burrow/under.hpp>
#include <burrow/unit.hpp>
#include <burrow/wait_group.hpp>
#include <burrow/watch.hpp>
