# SPDX-License-Identifier: MIT
"""A headless Chromium, driven through chromedriver by the protocol of WebDriver."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

PATIENCE = 120  # seconds; whatever takes longer has failed
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name for an element's id

# Resolves when the expression is true, which is looked at whenever the page changes.
WAIT = """
const done = arguments[arguments.length - 1];
const holds = () => Boolean(%s);
if (holds()) { done(true); return; }
const observer = new MutationObserver(() => {
  if (holds()) { observer.disconnect(); done(true); }
});
observer.observe(document, { subtree: true, childList: true, attributes: true });
"""


class Browser:
    """It lasts as long as a `with`."""

    def __init__(self):
        missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
        if missing:
            sys.exit(f"missing: {', '.join(missing)} (Debian: chromium, chromium-driver)")
        self.folder = tempfile.TemporaryDirectory(prefix="burrow-browser-")
        # A process group: nothing of it is left, whatever happens.
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        # Local addresses are no affair of a proxy's.
        self.http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.session = None

    def __enter__(self):
        try:
            self.session = self.begin()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", self.session)
        finally:
            self.end()

    def begin(self):
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.url = f"http://127.0.0.1:{line.split()[-1].rstrip('.')}"
                break
        else:
            sys.exit("chromedriver has ended before it began")
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        arguments += ["--no-first-run", "--no-proxy-server", f"--user-data-dir={self.folder.name}"]
        chrome = {"args": arguments, "binary": shutil.which("chromium")}
        wanted = {
            "alwaysMatch": {
                "goog:chromeOptions": chrome,
                "timeouts": {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000},
            }
        }
        begun = self.call("POST", "/session", {"capabilities": wanted})
        return f"/session/{begun['sessionId']}"

    def end(self):
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.driver.wait()
        self.driver.stdout.close()
        # A process of Chromium's that was killed may be writing its last file.
        shutil.rmtree(self.folder.name, ignore_errors=True)

    def call(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data, method=method)
        try:
            with self.http.open(request, timeout=2 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise AssertionError(f"{path}: {value['error']}: {value['message']}") from None

    # --- what a person does and sees --------------------------------------------------------------

    def open(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def element(self, selector):
        found = {"using": "css selector", "value": selector}
        return self.call("POST", self.session + "/element", found)[ELEMENT]

    def click(self, selector):
        self.call("POST", f"{self.session}/element/{self.element(selector)}/click")

    def type(self, selector, text):
        at = f"{self.session}/element/{self.element(selector)}"
        self.call("POST", at + "/clear")
        self.call("POST", at + "/value", {"text": text})

    def text(self, selector):
        return self.call("GET", f"{self.session}/element/{self.element(selector)}/text")

    def run(self, script):
        body = {"script": script, "args": []}
        return self.call("POST", self.session + "/execute/sync", body)

    def wait(self, expression):
        """Waits until the JavaScript expression is true; the failure shows the page."""
        try:
            body = {"script": WAIT % expression, "args": []}
            self.call("POST", self.session + "/execute/async", body)
        except AssertionError as error:
            page = self.run("return document.body.innerText")
            raise AssertionError(f"never came true: {expression}\n{error}\n\n{page}") from None
