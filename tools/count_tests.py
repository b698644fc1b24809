#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums up what ctest ran: `N passed, N failed`, alone on the last line.

usage: count_tests.py JUNIT_XML...

A doctest program counts by its cases, everything else that ctest runs as one. Ends with status 1
if a test failed, or if nothing ran.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree

SUMMARY = re.compile(r"\[doctest\] test cases: *\d+ *\| *(\d+) passed *\| *(\d+) failed")


def count(test):
    """How many cases of one ctest test passed, and how many failed."""
    succeeded = test.get("status") == "run"
    summaries = SUMMARY.findall(test.findtext("system-out") or "")
    if not summaries:
        return (1, 0) if succeeded else (0, 1)
    passed = sum(int(cases) for cases, _ in summaries)
    failed = sum(int(cases) for _, cases in summaries)
    # A program may also fail behind its cases: a sanitizer's report, a crash, a time limit.
    return passed, failed if succeeded or failed else 1


def main():
    passed = 0
    failures = []
    failed = 0
    for path in sys.argv[1:]:
        for test in ElementTree.parse(path).getroot().iter("testcase"):
            if test.get("status") == "disabled":
                continue
            test_passed, test_failed = count(test)
            passed += test_passed
            failed += test_failed
            if test_failed:
                failures.append(test.get("name"))
    if failures:
        print("failed:", *failures)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
