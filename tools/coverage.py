#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which test covers which statement of Go's semantics.

Reads the ids (CH12, SE9 ...) in the titles of test cases, and in the "ids:" line of programs and
examples, and writes docs/go-semantics-coverage.md, or checks with --check that it is up to date.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "go-semantics-coverage.md"
REASONS = ROOT / "docs" / "go-semantics-exceptions.txt"

# How many statements each section has.
SECTIONS = {
    "G": ("Goroutines", 21), "CH": ("Channels", 39), "HB": ("Happens-before", 19),
    "SE": ("Select", 29), "CX": ("Context", 64), "WG": ("WaitGroup", 10), "MU": ("Mutex", 7),
    "RW": ("RWMutex", 7), "ON": ("Once", 5), "CO": ("Cond", 7), "EG": ("errgroup", 14),
    "SM": ("semaphore", 11), "TM": ("time", 26), "SG": ("os/signal", 10),
    "DL": ("Deadlock detection", 10), "PA": ("Panics in goroutines", 9),
    "RT": ("runtime functions", 10), "ST": ("testing/synctest", 21),
}
ID = re.compile(r"\b(" + "|".join(sorted(SECTIONS, key=len, reverse=True)) + r")(\d+)\b")
TITLE = re.compile(r'TEST_CASE(?:_TEMPLATE)?\(\s*((?:"[^"]*"\s*)+)')


def titles(path):
    text = path.read_text()
    for match in TITLE.finditer(text):
        yield "".join(re.findall(r'"([^"]*)"', match.group(1)))
    for line in re.findall(r"^// ids:(.*)$", text, re.MULTILINE):
        yield line


def collect():
    found = {}
    files = sorted([*ROOT.glob("tests/**/*.cpp"), *ROOT.glob("examples/*.cpp")])
    for path in files:
        name = str(path.relative_to(ROOT))
        for title in titles(path):
            for section, number in ID.findall(title):
                places = found.setdefault((section, int(number)), [])
                if name not in places:
                    places.append(name)
    return found


def exceptions():
    reasons = {}
    for line in REASONS.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            ids, reason = line.split(":", 1)
            for one in ids.split():
                section, number = re.fullmatch(r"([A-Z]+)(\d+)", one).groups()
                reasons[(section, int(number))] = reason.strip()
    return reasons


def page():
    found, reasons = collect(), exceptions()
    lines = ["# Which test covers which statement of Go's semantics", "",
             "Made by `tools/coverage.py --write` from the titles of the tests. The ids are",
             "those of the numbered statements that the tests quote.", ""]
    missing = []
    for section, (title, count) in SECTIONS.items():
        lines += [f"## {title}", "", "| id | tests |", "|---|---|"]
        for number in range(1, count + 1):
            key = (section, number)
            cell = ", ".join(f"`{p}`" for p in found.get(key, []))
            if key in reasons:
                cell = (cell + "; " if cell else "") + reasons[key]
            if not cell:
                missing.append(f"{section}{number}")
                cell = "**not covered**"
            lines.append(f"| {section}{number} | {cell} |")
        lines.append("")
    return "\n".join(lines), missing


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    parser.add_argument("--write", action="store_true", help="write the page")
    options = parser.parse_args()
    text, missing = page()
    if options.write:
        PAGE.write_text(text)
    if missing:
        print("not covered: " + " ".join(missing))
    if options.check and (not PAGE.exists() or PAGE.read_text() != text):
        print("docs/go-semantics-coverage.md is out of date: run tools/coverage.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
