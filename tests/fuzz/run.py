#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the fuzz targets, one after the other, each for a while.

usage: tests/fuzz/run.py [--seconds N] [--build FOLDER] [NAME...]

Build them first: cmake --preset fuzz && cmake --build --preset fuzz. New inputs are kept in
FOLDER/corpus/NAME; what fails is written to FOLDER as crash-*. Ends with status 1 if a target
failed, or if there is none.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DONE = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)


def run(program, name, folder, seconds):
    """Whether the target has run to its end without a failure."""
    found = folder / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [program, f"-max_total_time={seconds}", "-max_len=400", "-timeout=20", found]
    result = subprocess.run([*command, HERE / "corpus" / name], cwd=folder, capture_output=True,
                            text=True, errors="replace")
    done = DONE.search(result.stderr)
    if result.returncode != 0 or not done:
        print(result.stderr)
        print(f"{name}: FAILED")
        return False
    print(f"{name}: {done[1]} executions in {done[2]} s", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "fuzz")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    names = options.names or sorted(p.stem.removesuffix("_fuzz") for p in HERE.glob("*_fuzz.cpp"))
    folder = options.build.resolve()
    results = [
        run(folder / "tests" / "fuzz" / f"fuzz_{name}", name, folder, options.seconds)
        for name in names
    ]
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
