#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Stops examples/grep.cpp in the middle of its work, and looks at its bar on a terminal.

usage: grep_stopped.py PROGRAM

A FIFO holds the program up where that is wanted: to open one for writing takes until the program
has opened it for reading.
"""

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 32  # how many files the program reads at the same time
FILES = 300
SECONDS = 120


def make_tree(folder):
    tree = folder / "tree"
    for number in range(FILES):
        below = tree / str(number % 20)
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number}").write_text(f"nothing here\na hare, number {number}\n")
    return tree


def make_fifos(folder, count):
    fifos = [folder / f"fifo{number}" for number in range(count)]
    for fifo in fifos:
        os.mkfifo(fifo)
    return fifos


def start(program, paths, stderr=subprocess.PIPE):
    command = [program, "hare", *map(str, paths)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)


def expect(what, wanted, found):
    if wanted != found:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def said_by_grep(err):
    """Without what burrow itself says where io_uring is refused."""
    return "".join(line for line in err.splitlines(True) if not line.startswith("burrow: "))


def stopped_at_the_last_file(program, folder):
    """All but one file has been searched."""
    [fifo] = make_fifos(folder, 1)
    grep = start(program, [make_tree(folder), fifo])
    lines = sorted(grep.stdout.readline() for _ in range(FILES))
    writer = os.open(fifo, os.O_WRONLY)
    grep.send_signal(signal.SIGINT)
    out, err = grep.communicate(timeout=SECONDS)
    os.close(writer)
    wanted = (f"{folder}/tree/{n % 20}/{n}:a hare, number {n}\n" for n in range(FILES))
    expect("the matches", sorted(wanted), lines)
    expect("what follows them", "", out)
    summary = f"grep: stopped: {FILES} files searched, {FILES} matches, 1 files left\n"
    expect("stderr", summary, said_by_grep(err))
    expect("the status", 130, grep.returncode)


def stopped_at_the_first_files(program, folder):
    """Nothing has been searched: FIFOs hold up all that are read, and the others wait."""
    fifos = make_fifos(folder, LIMIT + 8)
    grep = start(program, [*fifos, make_tree(folder)])
    writers = [os.open(fifo, os.O_WRONLY) for fifo in fifos[:LIMIT]]
    grep.send_signal(signal.SIGINT)
    out, err = grep.communicate(timeout=SECONDS)
    for writer in writers:
        os.close(writer)
    expect("stdout", "", out)
    expect("the status", 130, grep.returncode)
    summary = r"grep: stopped: 0 files searched, 0 matches, (\d+) files left\n"
    match = re.fullmatch(summary, said_by_grep(err))
    if not match or not LIMIT <= int(match[1]) <= len(fifos) + FILES:
        sys.exit(f"stderr: {err!r}")


def shows_its_bar(program, folder):
    """On a terminal, and goes on to the end."""
    [fifo] = make_fifos(folder, 1)
    (folder / "text").write_text("a hare\n")
    ours, theirs = pty.openpty()
    grep = start(program, [folder / "text", fifo], stderr=theirs)
    os.close(theirs)
    writer = os.open(fifo, os.O_WRONLY)
    shown = b""
    while b"1 of 2 files, 1 matches" not in shown:
        shown += os.read(ours, 4096)
    os.write(writer, b"another hare\n")
    os.close(writer)
    out, _ = grep.communicate(timeout=SECONDS)
    os.close(ours)
    expect("stdout", f"{folder}/text:a hare\n{fifo}:another hare\n", out)
    expect("the status", 0, grep.returncode)


def main():
    for test in (stopped_at_the_last_file, stopped_at_the_first_files, shows_its_bar):
        with tempfile.TemporaryDirectory() as folder:
            test(sys.argv[1], Path(folder))


if __name__ == "__main__":
    main()
