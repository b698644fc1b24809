#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows in the terminal what happens to a request of the web server when its client is killed.

usage: watch.py WEB_SERVER

Starts that program, asks it with curl, draws the tree of the request's goroutines, kills curl,
draws the tree again, and ends the server as Ctrl-C does.
"""

import http.client
import json
import shutil
import signal
import subprocess
import sys
import time

PATIENCE = 60  # seconds; whatever takes longer has failed
GOROUTINES = 8  # of a request, when all of them have begun
BLUE, GREEN, RED = "\033[34m", "\033[32m", "\033[31m"
MARKS = {"running": f"{BLUE}●", "finished": f"{GREEN}●", "cancelled": f"{RED}×"}


class Server:
    """The program, on a port of its own, for as long as a `with` lasts."""

    def __init__(self, program, grace_ms):
        if not shutil.which("curl"):
            sys.exit("missing: curl")
        command = [program, "0", str(grace_ms)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first.startswith("http://"):
            self.process.kill()
            sys.exit(f"the server has not told its address, but: {first!r}")
        self.url = first.split()[0]
        self.host = self.url.split("/")[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def curl(self, path, *arguments):
        """Asks with curl, which goes on meanwhile, and prints the status of the answer."""
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", str(PATIENCE)]
        command += ["--output", "/dev/null", "--write-out", "%{http_code}", *arguments]
        return subprocess.Popen([*command, self.url + path], stdout=subprocess.PIPE, text=True)

    def end(self):
        """As Ctrl-C. The exit status, and what the server has printed."""
        self.process.send_signal(signal.SIGINT)
        log, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, log


class Watch:
    """Follows the server's events."""

    def __init__(self, server):
        connection = http.client.HTTPConnection(server.host, timeout=PATIENCE)
        connection.request("GET", "/events")
        self.stream = connection.getresponse()
        self.requests = {}  # the latest of each, by id
        self.news = {}

    def step(self):
        """Waits for an event. False: the stream has ended."""
        for line in self.stream:
            if line.startswith(b"data: "):
                self.news = json.loads(line[len(b"data: ") :])
                self.requests.update((r["id"], r) for r in self.news["requests"])
                return True
        return False

    def until(self, number, state):
        """Waits until all goroutines of a request have begun and are in that state; the request."""
        while True:
            request = self.requests.get(number)
            if request and [g["state"] for g in request["tree"]] == [state] * GOROUTINES:
                return request
            if not self.step():
                sys.exit(f"request {number} never was {state}; the last of it: {request}")


def draw(tree, parent=-1, indent=""):
    """The goroutines below `parent`, a line each."""
    children = [(g["name"], i, g["state"]) for i, g in enumerate(tree) if g["parent"] == parent]
    for name, index, state in sorted(children):
        print(f"  {indent}{MARKS[state]}\033[0m {name}: {state}")
        draw(tree, index, indent + "   ")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Server(sys.argv[1], grace_ms=100) as server:
        watch = Watch(server)
        print(f"$ curl {server.url}work?ms=60000")
        curl = server.curl("work?ms=60000")
        draw(watch.until(1, "running")["tree"])
        start = time.monotonic()
        curl.kill()
        request = watch.until(1, "cancelled")
        seen = (time.monotonic() - start) * 1000
        curl.communicate()
        print("\n$ kill curl")
        draw(request["tree"])
        print(
            f"\n{request['reason']}: all {GOROUTINES} goroutines had ended "
            f"{request['took_us'] / 1000:.2f} ms after the first of them knew, and\n"
            f"{request['given_back']} connections were given back. "
            f"Here it was seen {seen:.1f} ms after the kill."
        )
        status, _ = server.end()
        print(f"Ctrl-C: the server has ended with status {status}")
        sys.exit(status)


if __name__ == "__main__":
    main()
