"""Real Chromium against the demonstration as a newcomer starts it: embedded PostgreSQL, granian with two workers, the worker process."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from referral_hub.vault import totp

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items):
    """Mark the tests of this folder; the walk over every page goes first, while nobody has typed a text in one language only."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(900))
    items.sort(key=lambda item: item.path.name != "test_every_page.py")


def chromium_path():
    return next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium():
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine: browser tests need it (Debian: apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Demo:
    """The running demonstration: its address, its accounts, and codes that are each used once."""

    def __init__(self, base, folder):
        self.base, self.folder = base, folder
        self.accounts = {a["email"]: a for a in json.loads((folder / "demo.json").read_text())}
        self.used = {}
        self.cookies = {}

    def code(self, secret):
        """Return a code of the authenticator that was not used before: a code counts once, and the clock may run 30 s ahead."""
        while True:
            step = int(time.time()) // totp.STEP
            for candidate in (step, step + 1):
                if candidate > self.used.get(secret, 0):
                    self.used[secret] = candidate
                    moment = datetime.fromtimestamp(candidate * totp.STEP, UTC)
                    return totp.code(base64.b32decode(secret + "=" * (-len(secret) % 8)), now=moment)
            time.sleep(0.5)


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    port = _free_port()
    environment = os.environ | {"HUB_DEMO_FOLDER": str(folder)}
    words = [sys.executable, "-m", "referral_hub", "demo", "--port", str(port)]
    with (folder / "output").open("w") as output:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            _wait(process, f"http://127.0.0.1:{port}/readyz", folder / "output")
            yield Demo(f"http://127.0.0.1:{port}", folder)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(process, address, output):
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(output.read_text()[-2000:])


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, demo, context, mail="", passphrase="", secret=""):
        self.demo, self.context, self.page = demo, context, context.new_page()
        self.mail, self.passphrase, self.secret = mail, passphrase, secret
        self.page.set_default_timeout(60000)

    def go(self, path):
        self.page.goto(path if path.startswith("http") else self.demo.base + path)
        return self

    def sign_in(self):
        self.go("/masuk")
        self.page.fill("input[type=email]", self.mail)
        self.page.fill("input[type=password]", self.passphrase)
        self.page.click("main form button.btn")
        self.page.fill("main input[inputmode=numeric]", self.demo.code(self.secret))
        self.page.click("main form button.btn")
        self.page.wait_for_load_state()
        return self

    def enter(self):
        """Go on with the session of an earlier test, or begin one without the pages of signing in: those have a test of their own."""
        self.context.add_cookies(self.demo.cookies.get(self.mail, []))
        ask, headers = self.context.request, {"Origin": self.demo.base}
        if ask.get(self.demo.base + "/").url.endswith("/masuk"):
            ask.post(self.demo.base + "/masuk", form={"sign_in-mail": self.mail, "sign_in-passphrase": self.passphrase}, headers=headers)
            ask.post(self.demo.base + "/masuk/kode", form={"sign_in-code": self.demo.code(self.secret)}, headers=headers)
            self.demo.cookies[self.mail] = self.context.cookies()
        return self.go("/")

    def press(self, text):
        self.page.click(f"main button:has-text({json.dumps(text)})")
        self.page.wait_for_load_state()
        return self

    def follow(self, text):
        self.page.click(f"main a:has-text({json.dumps(text)})")
        self.page.wait_for_load_state()
        return self

    @property
    def text(self):
        return self.page.inner_text("main")


@pytest.fixture
def person(demo, chromium):
    """Give `person(mail)`: a demonstration account signed in, in a browser of its own; `person()` is a newcomer.

    `alone=True` signs in by the pages, with a session that no other test uses.
    """
    contexts = []

    def open_browser(mail="", *, viewport=PHONE, scripts=True, locale="id-ID", dark=False, alone=False):
        context = chromium.new_context(viewport=viewport, java_script_enabled=scripts, locale=locale, color_scheme="dark" if dark else "light")
        contexts.append(context)
        if not mail:
            return Person(demo, context)
        account = demo.accounts[mail]
        somebody = Person(demo, context, mail, account["passphrase"], account["totp_secret"])
        return somebody.sign_in() if alone else somebody.enter()

    yield open_browser
    for context in contexts:
        context.close()
