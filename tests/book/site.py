"""The built website, served on this machine alone, and a browser that can reach nothing else."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.patience import HANGS

#: An expectation waits for what happens, not for so many seconds.
expect.set_options(timeout=1000 * HANGS)

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
#: Without a sandbox (tests may run as root in a container), and without calls to anybody.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


def chromium() -> str | None:
    """Where the system's Chromium or Chrome is."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def pages_of_the_book() -> list[str]:
    """The pages of the table of contents, without their endings."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [toc["root"], *chapters]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on the loopback interface; gives its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def unavailable(reason: str) -> NoReturn:
    """Skip a browser test with a sentence that says what to install; in CI, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"CI needs a browser: {reason}")
    pytest.skip(reason)


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium; skips the test where there is none, except in CI."""
    path = chromium()
    if path is None:
        unavailable("install Chromium (Debian: sudo apt-get install chromium)")
    try:
        playwright = sync_playwright().start()
    except Exception as error:  # its driver is a program of its own, which a library may lack
        unavailable(f"install what its driver needs (Debian: libatomic1); it says: {error}")
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=1000 * HANGS)
    yield browser
    browser.close()
    playwright.stop()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A window of its own; whatever is waited for in it has patience."""
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * HANGS)
    return context


class Watch:
    """What went wrong while pages were shown: console errors, failed and foreign requests."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.faults: list[str] = []
        context.route(lambda url: not self._is_ours(url), self._block)
        context.on("page", self._listen)

    def _is_ours(self, url: str) -> bool:
        return url.startswith((self.address, "data:", "blob:"))

    def _block(self, route) -> None:  # type: ignore[no-untyped-def]
        self.faults.append(f"asked another host: {route.request.url}")
        route.abort()

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("requestfailed", lambda r: self.faults.append(f"request failed: {r.url}"))
        page.on(
            "response",
            lambda r: r.status >= 400 and self.faults.append(f"{r.status}: {r.url}"),  # type: ignore[func-returns-value]
        )

    def _console(self, message) -> None:  # type: ignore[no-untyped-def]
        if message.type == "error":
            self.faults.append(f"console: {message.text}")
