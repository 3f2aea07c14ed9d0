"""A Chromium of this machine, and when a page in it has come to rest: for the tests of the page and for its measurements."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright, Request

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
STREAM = "/api/stream"  # never ends
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
WAIT_SECONDS = 30.0


def launch(playwright: Playwright) -> Browser | None:
    """None where there is no Chromium."""
    own = playwright.chromium.executable_path
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), own)
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS) if Path(path).exists() else None


class Rest:
    """Minds what a page asks for."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._waiting: set[Request] = set()
        page.on("request", self._add)
        page.on("requestfinished", self._remove)
        page.on("requestfailed", self._remove)

    def _add(self, request: Request) -> None:
        if STREAM not in request.url:
            self._waiting.add(request)

    def _remove(self, request: Request) -> None:
        self._waiting.discard(request)

    def wait(self) -> None:
        """Until the view has a title, and nothing is asked for any more that it shows."""
        self._page.locator("main h1").wait_for(timeout=WAIT_SECONDS * 1000)
        end = time.monotonic() + WAIT_SECONDS
        quiet = 0
        while quiet < 2:
            self._page.evaluate(TWO_FRAMES)  # in which answers are drawn, and what follows from them is asked
            quiet = 0 if self._waiting else quiet + 1
            if time.monotonic() > end:
                raise TimeoutError(f"still asks for {[request.url for request in self._waiting]}")
