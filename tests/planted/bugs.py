# SPDX-License-Identifier: MIT
"""Bugs of the kinds that the peers of burrow have had, to be planted in a copy of the sources.

Each replaces one piece of text, which occurs once. `caught_by` names the tools that must see it;
others may.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    name: str
    file: str
    old: str
    new: str
    caught_by: tuple[str, ...]


BUGS = (
    Bug(
        "close() forgets the senders that wait",
        "runtime/src/chan_core.cpp",
        "for (wait_list* list : {&receivers_, &senders_}) {",
        "for (wait_list* list : {&receivers_}) {",
        ("models", "simulation"),
    ),
    Bug(
        "a value goes to a select that another case has claimed",
        "runtime/include/burrow/detail/chan_core.hpp",
        "      if (w->claim()) return static_cast<chan_waiter*>(w);\n",
        "      w->claim();\n      return static_cast<chan_waiter*>(w);\n",
        ("models", "histories"),
    ),
    Bug(
        "the room in a buffer is not given to the sender that waits",
        "runtime/include/burrow/detail/chan_core.hpp",
        "      if (!senders_.empty()) refill<Size>(woken, count - 1);\n",
        "",
        ("models", "simulation"),
    ),
    Bug(
        "a select looks at its cases in the order of the source",
        "runtime/include/burrow/detail/select_cases.hpp",
        "skip = this->runner().home->random() * n >> 32;",
        "skip = n - n;",
        ("cases",),
    ),
    Bug(
        "a worker goes to sleep without a look at the global queue",
        "scheduler/src/park.cpp",
        "const bool global = !owner_.global_.empty() &&",
        "const bool global = false &&",
        ("models",),
    ),
    Bug(
        "a thief takes what its victim has just taken itself",
        "scheduler/include/burrow/detail/run_queue.hpp",
        "      if (head_.compare_exchange_weak(head, head + 1, acq_rel, relaxed)) return g;\n",
        "      head_.store(head + 1, release);\n      return g;\n",
        ("models",),
    ),
    Bug(
        "a lock is released with relaxed",
        "scheduler/include/burrow/detail/lock.hpp",
        "    held_.store(0, release);\n",
        "    held_.store(0, relaxed);\n",
        ("models",),
    ),
    Bug(
        "who gives up waiting for a semaphore does not let on those behind",
        "runtime/src/semaphore.cpp",
        "  if (w.linked) queue_.remove(w);\n  grant(wakes);\n",
        "  if (w.linked) queue_.remove(w);\n",
        ("simulation",),
    ),
    Bug(
        "the last done() touches a wait group that may be gone",
        "runtime/src/wait_group.cpp",
        "  if (next == 0) waiters.claim_all(wakes);\n  lock.unlock();",
        "  lock.unlock();\n  if (next == 0) waiters.claim_all(wakes);",
        ("models",),
    ),
    Bug(
        "an unlock lets in readers and a writer at once",
        "runtime/src/rw_mutex.cpp",
        "  if (s == 0 && grant_writer(wakes)) s = writer;\n",
        "  if (grant_writer(wakes)) s += writer;\n",
        ("simulation",),
    ),
    Bug(
        "cancel() returns before a child that somebody else is ending has ended",
        "context/src/cancel.cpp",
        "      n.lock.unlock();\n      push(ended_before_, n);\n      return;\n",
        "      n.lock.unlock();\n      return;\n",
        ("models",),
    ),
    Bug(
        "a child that has ended stays in its parent's list",
        "context/src/cancel.cpp",
        "  (n.previous != nullptr ? n.previous->next : up.children) = n.next;\n",
        "",
        ("models", "cases"),
    ),
    Bug(
        "stop() leaves a timer armed",
        "runtime/src/timer.cpp",
        "    if (std::exchange(may_be_linked_, false)) set->drop(*this);\n    value_from_",
        "    value_from_",
        ("cases",),
    ),
    Bug(
        "a ticker drifts",
        "runtime/src/timer.cpp",
        "  due = later(due + missed * period_, period_);\n",
        "  due = later(now, period_ + 0 * missed);\n",
        ("cases",),
    ),
    Bug(
        "close() leaves the kernel's call on a descriptor to itself",
        "scheduler/src/descriptor.cpp",
        "    for (io_request* r = d.requests; r != nullptr; r = r->next) r->in->cancel(*r);\n",
        "",
        ("sockets",),
    ),
)
