#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the house rules that neither the compiler nor clang-format nor clang-tidy knows.

Prints `file:line: what is wrong`, and ends with status 1 if there was anything. The rules, with
their reasons, are in CONTRIBUTING.md.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("scheduler", "context", "runtime", "http", "tls")
FOLDERS = (*MODULES, "examples", "tests", "bench", "docs", "cmake", "tools")
CPP = (".cpp", ".hpp")
COLUMNS_MAX = 100
LINES_MAX = 700
LINES_MAX_REASON = re.compile(r"// This file is long because ")
SPDX = "SPDX-License-Identifier: MIT"
SPDX_WITHIN_LINES = 12  # what a test of a whole program expects stands before it

# Go has a context.TODO().
UNFINISHED = re.compile(r"(?<!context\.)\b(TODO|FIXME|XXX|HACK)\b")
FENCE = re.compile(r"\batomic_(thread|signal)_fence\b")
AWAIT_IN_MACRO = re.compile(r"\b(CHECK|REQUIRE|WARN|BURROW_ASSERT)\w*\(.*\bco_(await|yield)\b")
AWAIT_IN_CONDITION = re.compile(r"(\s(&&|\|\|)\s[^;]*\bco_await\b)|(\s\?\s[^;]*\bco_await\b)")

# Copies of what others wrote, and the probes, whose purpose is to do what is forbidden.
EXEMPT = {"tests/face/face.cpp", "bench/peers/go/main.go"}
AWAIT_EXEMPT = {"tests/compilers/probes.cpp"}


def code_of(line):
    """The line without what its strings and its comment say."""
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//", 1)[0]


def check_lines(name, lines):
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, more than {COLUMNS_MAX}"
        if name != "tools/check_rules.py" and UNFINISHED.search(line):
            yield number, "unfinished work is an issue of the project, not a word in a source"
        if not name.endswith(CPP):
            continue
        code = code_of(line)
        if FENCE.search(code):
            yield number, "a fence: neither the sanitizers nor the model checker see it"
        if name in AWAIT_EXEMPT:
            continue
        if AWAIT_IN_MACRO.search(code):
            yield number, "an await inside a macro: name the value first"
        if AWAIT_IN_CONDITION.search(code):
            yield number, "an await under && or || or ?: (compilers get it wrong): name it first"


def check_file(name, text):
    lines = text.splitlines()
    if name.endswith((*CPP, ".py", ".cmake", "CMakeLists.txt")):
        if not any(SPDX in line for line in lines[:SPDX_WITHIN_LINES]):
            yield 1, f"no `{SPDX}` at its head"
    if name.endswith(CPP) and len(lines) > LINES_MAX and not LINES_MAX_REASON.search(text):
        yield LINES_MAX, (
            f"{len(lines)} lines, more than {LINES_MAX}: split it, or say at its head "
            "`// This file is long because ...`"
        )
    if name.endswith(".hpp") and "#pragma once" not in lines:
        yield 1, "no #pragma once"
    yield from check_lines(name, lines)


def check_header_names():
    """Two modules with a header of the same name would overwrite each other when installed."""
    owners = defaultdict(list)
    for module in MODULES:
        include = ROOT / module / "include"
        for header in include.rglob("*.hpp"):
            owners[header.relative_to(include)].append(module)
    for header, modules in owners.items():
        if len(modules) > 1:
            yield f"{header}: in {' and '.join(modules)}"


def sources():
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in (*CPP, ".py", ".cmake", ".txt") and name not in EXEMPT:
                yield name, path


def main():
    problems = list(check_header_names())
    for name, path in sources():
        for number, problem in check_file(name, path.read_text()):
            problems.append(f"{name}:{number}: {problem}")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
