"""A real Chromium before a real daemon that holds what real SDKs and agents sent.

Without Chromium, or without Node to build the page and check it, the tests that need it are skipped, and the end of the run
says so in a line that cannot be overlooked; where CI runs, they fail instead. OTLPD_SCREENSHOTS names a folder that the walk
through the views leaves pictures in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

pytest.register_assert_rewrite("tests.browser.visit")

from tests.browser.story import tell  # noqa: E402  after the line above
from tests.browser.visit import Visit  # noqa: E402
from tests.running import ROOT, Daemon  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

expect.set_options(timeout=15_000)
DASHBOARD = ROOT / "dashboard"
MISSING: dict[str, str] = {}
"""What could not be tested, and for want of what."""


def give_up(what: str, why: str) -> None:
    MISSING[what] = why
    message = f"{what}: {why}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, why in MISSING.items():
        terminalreporter.write_sep("!", f"NOT TESTED: {what}: {why}", red=True, bold=True)


@pytest.fixture(scope="session")
def npm() -> str:
    """npm, with everything in dashboard/node_modules that building and checking the page takes."""
    found = shutil.which("npm")
    if found is None:
        give_up("the page's source", "there is no npm on this machine")
        raise AssertionError
    wanted = [DASHBOARD / "node_modules" / name for name in ("axe-core", "openapi-typescript", "typescript", "vite")]
    if not all(path.exists() for path in wanted):
        subprocess.run([found, "ci", "--no-audit", "--no-fund"], cwd=DASHBOARD, check=True, timeout=300)
    return found


@pytest.fixture(scope="session")
def built(npm: str) -> Path:
    """The page as it is in the sources now, where the daemon looks for it."""
    folder = ROOT / "otlpd" / "static"
    subprocess.run([npm, "run", "build"], cwd=DASHBOARD, check=True, timeout=300, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def axe(npm: str) -> str:
    """The script that finds what assistive technology would stumble over."""
    assert npm
    return (DASHBOARD / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with the module: while it is open a loop runs in this thread, and no test with a loop of its own can."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        give_up("the page in a browser", "there is no Chromium on this machine (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def told(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that has received the story."""
    assert built.is_dir()
    with Daemon(tmp_path_factory.mktemp("told") / "otlpd.db") as daemon:
        tell(daemon)
        yield daemon


@pytest.fixture
def visit(chromium: Browser, told: Daemon) -> Iterator[Visit]:
    with Visit(chromium, told) as opened:
        yield opened
