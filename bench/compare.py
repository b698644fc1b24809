#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs burrow's benchmarks beside every peer found on the machine and prints the ratio table.

    bench/compare.py --build build/release                       everything, 2 workers and 1
    bench/compare.py --build build/release pingpong timers       some groups
    bench/compare.py --build build/release select2_cap0          the group of one benchmark
    bench/compare.py --build build/release --quick --json out.json
    bench/compare.py --build build/release --demo --picture cancel.svg

The programs run in turns (burrow, Go, ..., burrow, Go, ...), each run in a process of its own, so
that what happens to the machine meanwhile happens to all. A value is the median of the runs.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from comparing import demo, programs, tables

# --- what is measured: the data -------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """What burrow promises: `times` better than Go (0: nothing), and never more than `at_most`."""

    work: str
    bench: str
    times: float = 0
    at_most: float = float("inf")

    def promises(self):
        return self.times > 0 or self.at_most < float("inf")


BARS = (
    Bar("spawn and wait, 1 M goroutines", "spawn_1m_waitgroup", 4),
    Bar("unbuffered ping-pong, a round trip", "pingpong_unbuffered", 6),
    Bar("prime sieve, first 2000", "sieve_2000", 4),
    Bar("SPSC, capacity 128, an item", "spsc_cap128", 4),
    Bar("MPMC 4+4, capacity 128, an item", "mpmc_4p4c_cap128", 2),
    Bar("MPMC 4+4, unbuffered, an item", "mpmc_4p4c_cap0", 5),
    Bar("select of 2, unbuffered, a message", "select2_cap0", 6),
    Bar("select of 8, unbuffered, a message", "select8_cap0", 6),
    Bar("select with ctx.done(), a message", "select_ctx_cap0", 6),
    Bar("select with default, 2 cases", "select_default_2case", 4),
    Bar("with_cancel + cancel, under a parent", "ctx_withcancel_cancel_child", 5),
    Bar("with_timeout + cancel, under a parent", "ctx_withtimeout_cancel_child", 8),
    Bar("cancel a tree of 100 000, a child", "ctx_tree100k_cancel", 10),
    Bar("cancel() to the last of 100 000, shared", "cancel_shared_100000_last.p50", 10),
    Bar("cancel() to the last of 100 000, own", "cancel_own_100000_last.p50", 10),
    Bar("cancel() to one goroutine, shared", "cancel_shared_1_first.p50", 5),
    Bar("cancel() to one goroutine, own", "cancel_own_1_first.p50", 5),
    Bar("memory of a goroutine in a receive", "mem_per_parked_recv", 10, at_most=275),
    Bar("timer create + stop", "timer_new_stop", 8),
    Bar("1 M sleeps of 0 to 1 s, CPU", "sleep_1m_random_0_1s_cpu", 5),
    Bar("sleep(1 ms) lateness, p50", "sleep_1ms_lateness.p50", 3),
    Bar("TCP echo 64 B, 64 connections", "echo_64conn_64B", 1.5),
    Bar("TCP echo 64 B, 1000 connections", "echo_1000conn_64B", 1.5),
    Bar("skynet, 1 M leaves over channels", "skynet_1m_chan", 5),
    Bar("20 connections, request and answer", "io_socket_20conn"),
    Bar("HTTP hello, wrk with 64 connections", "http_hello_64conn"),
    Bar("accept and close a connection", "accept_close"),
    Bar("read a file of 64 KiB, in memory", "file_read_64KiB"),
    Bar("cancel() to the end of a read, p50", "cancel_read_1_last.p50", at_most=20),
    Bar("cancel() to the last of 10 000 reads", "cancel_read_10000_last.p50"),
    Bar("memory of a connection idle in a read", "mem_per_idle_conn", at_most=4096),
)

# With 2 workers nothing may be slower than with 1 by more than this; 4 times for one channel or one
# lock that two threads really share.
TWO_WORKERS_LIMIT = 1.3
TWO_WORKERS_LIMIT_SHARED = 4
SHARED = (
    "spsc_",
    "mpmc_",
    "select2_",
    "select8_",
    "select_ctx_",
    "mutex_4tasks_",
    "rwmutex_rlock_4tasks",
    "waitgroup_add_done_4tasks",
)


@dataclass(frozen=True)
class Group:
    """Benchmarks that a program runs together, by `-bench name`."""

    name: str
    members: tuple  # the beginnings of the names that it prints
    reps: int = 3  # in one process; the first of them finds the runtime cold
    extra: tuple = ()
    long: bool = False  # runs only when it is named
    peers: bool = True  # whether others than burrow and Go have it


GROUPS = (
    Group("spawn", ("spawn_",)),
    Group("yield", ("yield_",)),
    Group("pingpong", ("pingpong_unbuffered",)),
    Group("sieve", ("sieve_",)),
    Group("chan", ("spsc_", "mpmc_", "chan_")),
    Group("select", ("select", "pingpong_select_ctx")),
    Group("ctx", ("ctx_",)),
    Group("cancel", ("cancel_shared_", "cancel_own_"), reps=1),
    Group("timers", ("sleep_", "timer_"), reps=1),
    Group("skynet", ("skynet_1m_",)),
    Group("memory", ("mem_per_parked_recv",), reps=1, extra=("-mem", "recv")),
    Group("memory", ("mem_per_parked_select_ctx",), reps=1, extra=("-mem", "select"), peers=False),
    Group("echo", ("echo_",), reps=1),
    Group("iosocket", ("io_socket_",), reps=1),
    Group("cancel_io", ("cancel_read_", "cancel_accept_", "cancel_sleep_"), reps=1, peers=False),
    Group("accept", ("accept_",), peers=False),
    Group("files", ("file_",), peers=False),
    Group("http", ("http_",), reps=1, peers=False),
    Group("idle", ("mem_per_idle_conn",), reps=1, peers=False),
    Group("sync", ("mutex_", "rwmutex_", "waitgroup_")),
    Group("fork", ("fib_3", "matmul_"), reps=1),
    Group("fib39", ("fib_39",), reps=1, long=True),
    Group("nqueens", ("nqueens_",), reps=1, long=True),
    Group("skynet100m", ("skynet_100m_",), reps=1, long=True),
)

# --- measuring ------------------------------------------------------------------------------------


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Progress:
    """One line a step on stderr, with the time that is left."""

    def __init__(self, steps):
        self.steps = steps
        self.done = 0
        self.start = time.monotonic()

    def step(self, what):
        elapsed = time.monotonic() - self.start
        left = ""
        if self.done >= self.steps / 20 and self.done > 0:
            left = f", about {minutes(elapsed / self.done * (self.steps - self.done))} left"
        self.done += 1
        line = f"bench: [{self.done:>4}/{self.steps}] {what} ({minutes(elapsed)}{left})"
        if sys.stderr.isatty():
            end = "\n" if self.done == self.steps else ""
            print(f"\r\033[K{line}", end=end, file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def choose_groups(names, quick):
    """The groups to run, and the names whose results to show (none: all)."""
    if not names:
        barred = {bar.bench for bar in BARS}
        chosen = [g for g in GROUPS if not g.long]
        if quick:
            chosen = [g for g in chosen if any(b.startswith(g.members) for b in barred)]
        return chosen, []
    chosen, shown = [], []
    for name in names:
        found = [g for g in GROUPS if g.name == name]
        if found:
            shown += [member for g in found for member in g.members]
        else:
            found = [g for g in GROUPS if name.startswith(g.members)]
            shown.append(name)
        if not found:
            known = ", ".join(sorted({g.name for g in GROUPS}))
            sys.exit(f"bench: nothing is called '{name}'; the groups are: {known}")
        chosen += [g for g in found if g not in chosen]
    return chosen, shown


def measure(sides, groups, workers_list, runs, reps):
    """Runs everything in turns. Returns {(bench, runtime, workers): [(value, unit), ...]}."""
    first = sides[0]  # burrow, unless --only leaves it out: what it lacks is not compared
    plan = [
        (group, workers, run, side)
        for workers in workers_list
        for group in groups
        for run in range(runs)
        for side in sides
        if group.name in side.benches and group.name in first.benches
        if group.peers or side.runtime in ("burrow", "go")
    ]
    if not plan:
        sys.exit(f"bench: {first.label} has none of these benchmarks")
    progress = Progress(len(plan))
    measured, failed = {}, {}
    for group, workers, run, side in plan:
        key = (group, workers, side.runtime)
        where = f"{group.name}, {count(workers, 'worker')}"
        progress.step(f"{where}, run {run + 1} of {runs}: {side.label}")
        if key in failed:
            continue
        try:
            values = side.run(group.name, workers, reps or group.reps, *group.extra)
        except programs.RunFailed as why:
            failed[key] = f"{side.label}, {where}: {why}"
            say(f"FAILED: {failed[key]}")
            continue
        for bench, value in values.items():
            if bench.startswith(group.members):
                measured.setdefault((bench, side.runtime, workers), []).append(value)
    return measured, list(failed.values())


def better(unit):
    return "higher" if unit.endswith("/s") else "lower"


def records_of(measured):
    records = []
    for (bench, runtime, workers), runs in measured.items():
        values = [value for value, _ in runs]
        unit = runs[0][1]
        records.append(
            {
                "bench": bench,
                "runtime": runtime,
                "workers": workers,
                "value": statistics.median(values),
                "unit": tables.short_unit(unit),
                "better": better(unit),
                "runs": len(values),
                "min": min(values),
                "max": max(values),
            }
        )
    return records


# --- reporting ------------------------------------------------------------------------------------


def ratio_to(base, record):
    """How many times better than `base` the record is."""
    if base is None or record is None or base["value"] == 0 or record["value"] == 0:
        return None
    ratio = base["value"] / record["value"]
    return 1 / ratio if record["better"] == "higher" else ratio


def with_spread(record):
    if record is None:
        return "-"
    spread = f" ({tables.number(record['min'])}..{tables.number(record['max'])})"
    return tables.number(record["value"]) + (spread if record["runs"] > 1 else "")


def verdict(bar, ratio, record):
    if not bar.promises():
        return ""
    if record is None or (ratio is None and bar.times > 0):
        return "-"
    ratio = ratio or 0
    if ratio >= bar.times and record["value"] <= bar.at_most:
        return ("yes", "green")
    return ("NO", "red")


def bar_text(bar):
    promised = [f"{bar.times:g}x"] if bar.times > 0 else []
    if bar.at_most != float("inf"):
        promised.append(f"at most {bar.at_most:g}")
    return ", ".join(promised)


def ratio_rows(records, workers, sides, shown):
    """The rows of the ratio table: first the bars, then whatever else was measured."""
    at = {(r["bench"], r["runtime"]): r for r in records if r["workers"] == workers}
    others = [side for side in sides if side.runtime not in ("burrow", "go")]
    bars = {bar.bench: bar for bar in BARS}
    rest = [bench for bench, _ in at if bench not in bars]
    rows, met = [], []
    for bench in [*bars, *dict.fromkeys(rest)]:
        known = [at[key] for key in at if key[0] == bench]
        if not known or (shown and not bench.startswith(tuple(shown))):
            continue
        go, burrow = at.get((bench, "go")), at.get((bench, "burrow"))
        ratio = ratio_to(go, burrow)
        bar = bars.get(bench)
        answer = verdict(bar, ratio, burrow) if bar else ""
        if isinstance(answer, tuple):
            met.append(answer[0] == "yes")
        row = [bar.work if bar else bench, known[0]["unit"], with_spread(go), with_spread(burrow)]
        row += [tables.times(ratio) if ratio else "-", bar_text(bar) if bar else "", answer]
        for side in others:
            peer = at.get((bench, side.runtime))
            row.append(tables.number(peer["value"]) if peer else "-")
        rows.append(row)
    header = ["work", "unit", "Go", "burrow", "ratio", "bar", "met?", *(s.label for s in others)]
    return header, rows, met


def scaling_rows(records):
    """burrow's benchmarks that 2 workers make slower than they may."""
    of = {(r["bench"], r["workers"]): r for r in records if r["runtime"] == "burrow"}
    rows = []
    for bench, workers in of:
        if workers != 1 or (bench, 2) not in of:
            continue
        one, two = of[bench, 1], of[bench, 2]
        ratio = ratio_to(two, one)
        shared = bench.startswith(SHARED)
        limit = TWO_WORKERS_LIMIT_SHARED if shared else TWO_WORKERS_LIMIT
        if ratio and ratio > limit:
            row = [bench, one["unit"], with_spread(one), with_spread(two)]
            rows.append([*row, f"{ratio:.2f}x", (f"{limit:g}x", "red")])
    return ["slower with 2 workers", "unit", "1 worker", "2 workers", "factor", "allowed"], rows


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def conditions(build, sides, missing, runs):
    """The lines that say where and how the figures came about."""
    cores = len(os.sched_getaffinity(0))
    lines = [
        f"machine   {cpu_model()}, {cores} cores, Linux {platform.release()}, {platform.machine()}",
        f"compiler  {programs.compiler_of(build)}",
        "versions  " + ", ".join(f"{s.label} {s.version}" for s in sides if s.version),
    ]
    if any(side.runtime == "tokio" for side in sides):
        lines[-1] += f" ({programs.rust_version()})"
    if missing:
        reasons = (f"{runtime}: {why.splitlines()[0]}" for runtime, why in missing.items())
        lines.append("left out  " + "; ".join(reasons))
    spread = "in brackets the least and the greatest"
    lines.append(f"values    medians of {count(runs, 'run')}, {spread}")
    return lines


def print_report(records, args, sides, missing, shown):
    print("\n".join(conditions(args.build, sides, missing, args.runs)))
    if args.quick:
        print("QUICK     few short runs: good for a look, not for a comparison")
    for workers in args.workers:
        header, rows, met = ratio_rows(records, workers, sides, shown)
        print(f"\n{count(workers, 'worker')}")
        print(tables.terminal(header, rows))
        if met:
            print(f"{sum(met)} of {len(met)} bars met")
    header, rows = scaling_rows(records)
    if rows:
        print("\n" + tables.terminal(header, rows))


def write_markdown(path, records, args, sides, missing, shown):
    """The README's table: what has a bar."""
    names = {bar.bench for bar in BARS}
    barred = [record for record in records if record["bench"] in names]
    parts = []
    for workers in args.workers:
        header, rows, _ = ratio_rows(barred, workers, sides, shown)
        parts.append(f"**{count(workers, 'worker')}**\n")
        parts.append(tables.markdown(header, rows) + "\n")
    how = conditions(args.build, sides, missing, args.runs)
    parts.append("```text\n" + "\n".join(how) + "\n```")
    path.write_text("\n".join(parts) + "\n")


# --- the program ----------------------------------------------------------------------------------


def workers_list(text):
    try:
        workers = [int(word) for word in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError("wants numbers, such as 2,1") from error
    if min(workers) < 1:
        raise argparse.ArgumentTypeError("wants numbers from 1")
    return workers


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="groups or benchmarks; none: all")
    parser.add_argument("--build", type=Path, help="a configured CMake build folder")
    parser.add_argument("--workers", type=workers_list, help="(2,1; for the demo: the CPUs)")
    parser.add_argument("--runs", type=int, help="processes for each value (5; with --quick 1)")
    parser.add_argument("--reps", type=int, help="repetitions in each process (1 or 3, by group)")
    parser.add_argument("--quick", action="store_true", help="the bars only, once")
    parser.add_argument("--only", metavar="RUNTIMES", help="such as burrow,go; all that are found")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the README's table")
    parser.add_argument("--list", action="store_true", help="the groups, and what has a bar")
    parser.add_argument("--demo", action="store_true", help="the latency of cancel(), as a table")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="with --demo: and drawn")
    args = parser.parse_args()
    if args.picture and not args.demo:
        parser.error("--picture goes with --demo")
    if args.list:
        return args
    if not args.build or not (args.build / "CMakeCache.txt").exists():
        parser.error("--build wants a configured CMake build folder")
    args.build = args.build.resolve()
    cpus = len(os.sched_getaffinity(0))
    args.workers = args.workers or ([cpus] if args.demo else [2, 1])
    args.runs = args.runs or (1 if args.quick else 5)
    args.reps = args.reps or (1 if args.quick else None)
    return args


def print_list():
    for group in GROUPS:
        marks = " (only when it is named)" if group.long else ""
        print(f"{group.name:12}{', '.join(member + '*' for member in group.members)}{marks}")
    print()
    rows = [[bar.work, bar.bench, bar_text(bar)] for bar in BARS]
    print(tables.terminal(["work", "benchmark", "bar against Go"], rows, left_columns=2))


def main():
    args = read_arguments()
    if args.list:
        print_list()
        return 0
    groups, shown = choose_groups(args.names, args.quick)
    runtimes = ["burrow", "go"] if args.demo else list(programs.BUILDERS)
    if args.only:
        unknown = set(args.only.split(",")) - set(programs.BUILDERS)
        if unknown:
            sys.exit(f"bench: no program is called {', '.join(sorted(unknown))}")
        runtimes = [r for r in runtimes if r in args.only.split(",")]
    sides, missing = programs.build_all(args.build, runtimes, say)
    if args.demo:
        where = conditions(args.build, sides, missing, 1)[:3]
        return demo.run(sides, args.workers[0], args.picture, where, say)
    measured, failures = measure(sides, groups, args.workers, args.runs, args.reps)
    records = records_of(measured)
    print_report(records, args, sides, missing, shown)
    if args.json:
        args.json.write_text(json.dumps(records, indent=1) + "\n")
    if args.markdown:
        write_markdown(args.markdown, records, args, sides, missing, shown)
    for failure in failures:
        print(f"FAILED  {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
