#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program that must end in a certain way, and checks how it ended.

usage: run.py SOURCE PROGRAM

The comments at the head of SOURCE say what must happen:

    // exit: 2              the exit status (0 where nothing is said), or a signal: SIGABRT
    // stdout: text         a text that must occur on stdout; as many lines as needed, in order
    // stderr: text         the same for stderr
    // not-stderr: text     a text that must not occur on stderr
    // env: NAME=VALUE      set in the environment
    // timeout: 10          seconds, 60 where nothing is said
"""

import os
import re
import signal
import subprocess
import sys

RULE = re.compile(r"// (exit|stdout|stderr|not-stderr|env|timeout): (.*)")


def rules_of(source):
    rules = {}
    with open(source) as lines:
        for line in lines:
            if not line.startswith("//"):
                break
            if match := RULE.match(line.rstrip("\n")):
                rules.setdefault(match[1], []).append(match[2].strip())
    return rules


def status_name(status):
    return signal.Signals(-status).name if status < 0 else str(status)


def missing(texts, output):
    """The texts that do not occur in output, each looked for behind the one before it."""
    at = 0
    for text in texts:
        found = output.find(text, at)
        if found < 0:
            yield text
        else:
            at = found + len(text)


def main():
    source, program = sys.argv[1:]
    rules = rules_of(source)
    if not rules.keys() & {"exit", "stdout", "stderr"}:
        sys.exit(f"{source} does not say how the program must end")
    environment = dict(os.environ, **dict(text.split("=", 1) for text in rules.get("env", [])))
    limit = float(rules.get("timeout", ["60"])[0])
    problems = []
    try:
        done = subprocess.run(
            [program], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit
        )
        status, out, err = status_name(done.returncode), done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        status, out, err = f"none after {limit:g} s", late.stdout or b"", late.stderr or b""

    out, err = out.decode(errors="replace"), err.decode(errors="replace")
    wanted = rules.get("exit", ["0"])[0]
    if status != wanted:
        problems.append(f"exit status: {status}, not {wanted}")
    problems += [f"stdout lacks: {text}" for text in missing(rules.get("stdout", []), out)]
    problems += [f"stderr lacks: {text}" for text in missing(rules.get("stderr", []), err)]
    problems += [f"stderr has: {text}" for text in rules.get("not-stderr", []) if text in err]
    if problems:
        sys.exit("\n".join([*problems, "--- stdout", out, "--- stderr", err]))


if __name__ == "__main__":
    main()
