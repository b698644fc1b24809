#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that a small program with the umbrella header compiles in less than 1.5 s.

usage: compile_time.py BUILD_DIR

Takes the flags of example_hello in BUILD_DIR. What counts is processor time, the least of RUNS_MAX
runs, and by the measure of the machine at this moment: each run is followed by one of a yardstick,
the standard headers alone, which take YARDSTICK_SECONDS on the machine for which the limit was set.
"""

import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path

SECONDS_MAX = 1.5
RUNS_MAX = 10
PROGRAM = "examples/hello.cpp"
YARDSTICK = "".join(
    f"#include <{name}>\n"
    for name in ("chrono", "functional", "memory", "mutex", "string", "system_error", "vector"))
YARDSTICK_SECONDS = 0.68


def command_for(build):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"].endswith(PROGRAM):
            command = shlex.split(entry["command"])
            if Path(command[0]).name == "ccache":
                command = command[1:]
            command[command.index("-o") + 1] = os.devnull
            return command, entry["directory"]
    sys.exit(f"{build} does not build {PROGRAM}")


def yardstick_of(command):
    """The same command for the yardstick, which it reads from its input."""
    source = next(i for i, word in enumerate(command) if word.endswith(PROGRAM))
    return [*command[:source], "-x", "c++", "-"]


def seconds(command, folder, source=""):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, input=source, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    command, folder = command_for(Path(sys.argv[1]))
    least = yardstick = float("inf")
    for _ in range(RUNS_MAX):
        least = min(least, seconds(command, folder))
        yardstick = min(yardstick, seconds(yardstick_of(command), folder, YARDSTICK))
        limit = SECONDS_MAX * max(yardstick / YARDSTICK_SECONDS, 1)
        if least < limit:
            break
    print(f"{PROGRAM} compiles in {least:.2f} s, the standard headers alone in {yardstick:.2f} s")
    if least >= limit:
        sys.exit(f"that is not less than {limit:.2f} s: what does the umbrella header drag in?")


if __name__ == "__main__":
    main()
