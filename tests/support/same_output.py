#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program and compares what it prints on stdout with a file, to the byte.

usage: same_output.py EXPECTED PROGRAM [ARGUMENT...]
"""

import difflib
import subprocess
import sys
from pathlib import Path


def main():
    expected = Path(sys.argv[1]).read_text()
    done = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"exit status {done.returncode}, not 0; it printed:\n{done.stdout}")
    if done.stdout != expected:
        diff = difflib.unified_diff(
            expected.splitlines(), done.stdout.splitlines(), "expected", "printed", lineterm=""
        )
        sys.exit("\n".join(diff))


if __name__ == "__main__":
    main()
