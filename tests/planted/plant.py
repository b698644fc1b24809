#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants bugs in a copy of the sources, and shows which tool catches each.

usage: tests/planted/plant.py [--all] [--list] [WORD...]

Words select the bugs whose names contain one of them. A tool catches a bug if it fails, crashes, or
does not end; the sound sources come first, and must pass all of them. Each bug is shown to the
tools that bugs.py lists for it, with --all to every tool. Ends with status 1 if one that is listed
has not caught it.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bugs import BUGS

ROOT = Path(__file__).resolve().parent.parent.parent
TREE = ROOT / "build" / "planted" / "tree"
BUILD = ROOT / "build" / "planted" / "build"

# What each tool runs, and the longest that it may take: several times what it needs.
TOOLS = {
    "models": [["tests/model/model_checker"]],
    "simulation": [["tests/test_sim"]],
    "histories": [["tests/test_linear"]],
    "cases": [["tests/test_context"], ["tests/test_go"], ["tests/test_runtime"]],
    "stress": [["tests/test_stress"]],
    "sockets": [["tests/test_net"]],
}
SECONDS_MAX = 240
AT_ONCE = 2


def copy_sources():
    """The files that git knows or would add, with the times of what has not changed kept."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, TREE / name
        if not source.is_file():
            continue
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def build(tools):
    programs = [Path(program).name for tool in tools for program, *_ in TOOLS[tool]]
    subprocess.run(["cmake", "--build", BUILD, "--target", *programs], check=True,
                   stdout=subprocess.DEVNULL)


def passes(command):
    """Whether the program ends well, and in time."""
    process = subprocess.Popen(command, cwd=BUILD, start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "BURROW_TEST_LIMIT": "60"})
    try:
        return process.wait(SECONDS_MAX) == 0
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False


def who_fails(tools):
    """Those of the tools that fail on what is built."""
    def fails(tool):
        return not all(passes([BUILD / program, *rest]) for program, *rest in TOOLS[tool])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {tool for tool, failed in zip(tools, pool.map(fails, tools)) if failed}


def try_bug(bug, tools):
    file = TREE / bug.file
    sound = file.read_text()
    if sound.count(bug.old) != 1:
        sys.exit(f"{bug.file} does not have exactly once what '{bug.name}' replaces")
    file.write_text(sound.replace(bug.old, bug.new))
    try:
        build(tools)
        return who_fails(tools)
    finally:
        file.write_text(sound)


def verdict(tool, shown, caught):
    return "caught" if tool in caught else "-" if tool in shown else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true", help="show each bug to every tool")
    parser.add_argument("--list", action="store_true", help="the names, and nothing else")
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_args()
    bugs = [b for b in BUGS
            if not options.words or any(word in b.name for word in options.words)]
    if options.list or not bugs:
        print(*(b.name for b in bugs), sep="\n")
        sys.exit(not bugs)
    copy_sources()
    subprocess.run(
        ["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DBURROW_BUILD_BENCH=OFF", "-DBURROW_BUILD_EXAMPLES=OFF", "--log-level=WARNING"],
        check=True, stdout=subprocess.DEVNULL)
    build(TOOLS)
    if failed := who_fails(TOOLS):
        sys.exit(f"the sound sources fail: {', '.join(sorted(failed))}")
    width = max(len(b.name) for b in bugs)
    print(f"{'':{width}}", *(f"{t:{len(t) + 1}}" for t in TOOLS), flush=True)
    missed = []
    for bug in bugs:
        start = time.monotonic()
        shown = TOOLS if options.all else bug.caught_by
        caught = try_bug(bug, shown)
        marks = (f"{verdict(t, shown, caught):{len(t) + 1}}" for t in TOOLS)
        print(f"{bug.name:{width}}", *marks, f"{time.monotonic() - start:.0f} s", flush=True)
        missed += [f"{bug.name}: {t}" for t in bug.caught_by if t not in caught]
    for line in missed:
        print(f"not caught: {line}")
    print(f"{len(bugs)} bugs planted, {len(missed)} misses")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
