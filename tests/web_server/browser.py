#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The web server's page in a real browser: what a person sees of the ways in which requests end.

usage: browser.py WEB_SERVER
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "web_server"))
from watch import GOROUTINES, Server  # noqa: E402

from events import LONG, check, status_of
from webdriver import Browser


def card(number):
    return f"#request-{number}"


def wait_all(browser, number, state):
    """Until the page shows all goroutines of a request in that state, and the request too."""
    states = f"[...document.querySelectorAll('{card(number)} li')].map(g => g.dataset.state)"
    shown = f"document.querySelector('{card(number)}')?.dataset.state === '{state}'"
    browser.wait(
        f"{shown} && {states}.length === {GOROUTINES} && {states}.every(s => s === '{state}')"
    )


def check_cancelled(browser, number, reason):
    wait_all(browser, number, "cancelled")
    check(browser.text(card(number) + " li li li small"), f"cancelled: {reason}")
    told = browser.text(card(number) + " .end")
    beginning = f"{reason}: all {GOROUTINES} goroutines had ended after "
    check((told[: len(beginning)], "5 connections were given back" in told), (beginning, True))
    browser.wait(
        "document.querySelector('#totals').textContent === "
        "'0 goroutines run, 0 connections are lent'"
    )
    # Nothing is left to be cancelled.
    check(browser.run(f"return document.querySelector('{card(number)} button')"), None)


def check_tree(browser):
    """The shape of a tree: who is below whom."""
    shape = browser.run(
        "const names = list => [...list.children].map(item => "
        "[item.firstElementChild.textContent, "
        "item.querySelector('ul') ? names(item.querySelector('ul')) : []]);"
        f"return names(document.querySelector('{card(1)} > ul'));"
    )
    shards = [[f"call: shard {i}", []] for i in (1, 2, 3)]
    queries = [[f"query: {what}", []] for what in ("customer", "orders")]
    check(shape, [["handler", [["database", queries], ["RPC", shards]]]])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Browser() as browser, Server(sys.argv[1], grace_ms=1) as server:
        browser.open(server.url)
        browser.wait("document.body.dataset.live === 'yes'")

        # A request of the page's own, and its button.
        browser.type("[name=ms]", "3600000")
        browser.click("#start")
        wait_all(browser, 1, "running")
        check_tree(browser)
        browser.click(card(1) + " .cancel")
        check_cancelled(browser, 1, "button")

        # A client that goes.
        curl = server.curl(LONG)
        wait_all(browser, 2, "running")
        curl.kill()
        curl.communicate()
        check_cancelled(browser, 2, "client has gone")

        # A deadline, by the form.
        browser.type("[name=deadline]", "50")
        browser.click("#start")
        check_cancelled(browser, 3, "deadline")

        # One that finishes.
        check(status_of(server.curl("work?ms=1")), "200")
        wait_all(browser, 4, "finished")

        # The page itself goes, with a request of its own.
        browser.type("[name=deadline]", "3600000")
        browser.click("#start")
        wait_all(browser, 5, "running")
        browser.open(server.url)
        browser.wait("document.body.dataset.live === 'yes'")
        check_cancelled(browser, 5, "client has gone")

        # The shutdown, which the page still hears of.
        curl = server.curl(LONG)
        wait_all(browser, 6, "running")
        status, log = server.end()
        check(status, 0)
        check(status_of(curl), "503")
        wait_all(browser, 6, "cancelled")
        check(browser.text(card(6) + " .end").split(":")[0], "shutdown")
        browser.wait("document.body.dataset.live === 'no'")
        check("request 6 (ms=3600000): shutdown" in log, True)


if __name__ == "__main__":
    main()
