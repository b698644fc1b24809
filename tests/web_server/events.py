#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The web server as curl and a reader of its events see it: every way in which a request ends.

usage: events.py WEB_SERVER
"""

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "web_server"))
from watch import GOROUTINES, PATIENCE, Server, Watch  # noqa: E402

LONG = "work?ms=3600000"  # longer than any test: such a request has to be ended


def check(was, expected):
    if was != expected:
        raise AssertionError(f"{was!r}, not {expected!r}")


def status_of(curl):
    status, _ = curl.communicate(timeout=PATIENCE)
    return status


def check_cancelled(watch, number, reason):
    request = watch.until(number, "cancelled")
    check(request["state"], "cancelled")
    check(request["reason"], reason)
    check(request["given_back"], 5)
    check((watch.news["goroutines"], watch.news["lent"]), (0, 0))


def check_refusals(server):
    for path in ("work?ms=", "work?ms=-1", "work?ms=1x", "work?ms=3600001", "work?deadline=no"):
        check(status_of(server.curl(path)), "400")
    check(status_of(server.curl("nothing")), "404")
    check(status_of(server.curl("cancel/99", "--request", "POST")), "404")
    check(status_of(server.curl("cancel/1")), "405")


def check_ends(server, watch):
    check(status_of(server.curl("work?ms=1")), "200")
    check(watch.until(1, "finished")["reason"], "")

    leaves = server.curl(LONG)
    watch.until(2, "running")
    check(watch.news["lent"], 5)
    leaves.kill()
    leaves.communicate()
    check_cancelled(watch, 2, "client has gone")

    check(status_of(server.curl(LONG + "&deadline=1")), "504")
    check_cancelled(watch, 3, "deadline")

    waits = server.curl(LONG)
    watch.until(4, "running")
    check(status_of(server.curl("cancel/4", "--request", "POST")), "200")
    check(status_of(waits), "503")
    check_cancelled(watch, 4, "button")
    check(status_of(server.curl("cancel/4", "--request", "POST")), "404")


def check_shutdown(program, number):
    """A request that is too long for the grace is cancelled; the streams tell of it, and end."""
    with Server(program, grace_ms=1) as server:
        watch = Watch(server)
        waits = server.curl(LONG)
        watch.until(1, "running")
        server.process.send_signal(number)
        check_cancelled(watch, 1, "shutdown")
        while watch.step():
            pass
        check(status_of(waits), "503")
        log, _ = server.process.communicate(timeout=PATIENCE)
        check(server.process.returncode, 0)
        check("request 1 (ms=3600000): shutdown" in log, True)


def check_grace(program):
    """One that the grace is enough for finishes."""
    with Server(program, grace_ms=3600000) as server:
        watch = Watch(server)
        quick = server.curl("work?ms=300")
        while not watch.news.get("goroutines"):
            watch.step()
        status, log = server.end()
        check(status_of(quick), "200")
        check(status, 0)
        check("request 1 (ms=300): finished" in log, True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = sys.argv[1]
    with Server(program, grace_ms=1) as server:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(server.url) as page:
            check(b"Requests as trees of goroutines" in page.read(), True)
        watch = Watch(server)
        check_refusals(server)
        check_ends(server, watch)
        status, log = server.end()
        check(status, 0)
        check(f"all of its {GOROUTINES} goroutines had ended" in log, True)
    check_shutdown(program, signal.SIGINT)
    check_shutdown(program, signal.SIGTERM)
    check_grace(program)
    bad = subprocess.run([program, "0", "soon"], stderr=subprocess.DEVNULL, check=False)
    check(bad.returncode, 2)


if __name__ == "__main__":
    main()
