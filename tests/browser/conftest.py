"""A real Chromium before a real daemon that holds what real SDKs and agents sent.

Without Chromium, or without Node to build the page and check it, the tests that need it are skipped, and the end of the run
says so in a line that cannot be overlooked. Pictures of all views are left in build/screenshots.

One worker of pytest-xdist runs all of this (it comes first in `testpaths`), so that daemon and browser start once.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, NoReturn

import pytest
from playwright.sync_api import expect, sync_playwright

pytest.register_assert_rewrite("tests.browser.visit")

from benchmarks.browser import launch  # noqa: E402  after the line above
from tests.browser.story import tell  # noqa: E402
from tests.browser.visit import Visit  # noqa: E402
from tests.running import ROOT, Daemon  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

expect.set_options(timeout=15_000)
DASHBOARD = ROOT / "dashboard"
SCREENSHOTS = ROOT / "build" / "screenshots"
NOT_TESTED = "NOT TESTED: "


def give_up(what: str, why: str) -> NoReturn:
    pytest.skip(f"{NOT_TESTED}{what}: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Reads the reports, as the tests may have been skipped in other processes."""
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []) if len(report.longrepr) == 3]
    missing = Counter(reason.partition(NOT_TESTED)[2] for reason in reasons if NOT_TESTED in reason)
    for why, tests in missing.items():
        terminalreporter.write_sep("!", f"NOT TESTED: {why} ({tests} tests skipped)", red=True, bold=True)


@pytest.fixture(scope="session")
def npm() -> str:
    """npm, with everything in dashboard/node_modules that building and checking the page takes."""
    found = shutil.which("npm")
    if found is None:
        give_up("the page", "there is no npm on this machine, nor Node, to build and check it")
    wanted = [DASHBOARD / "node_modules" / name for name in ("axe-core", "openapi-typescript", "typescript", "vite")]
    if not all(path.exists() for path in wanted):
        subprocess.run([found, "ci", "--no-audit", "--no-fund"], cwd=DASHBOARD, check=True, timeout=300)
    return found


@pytest.fixture(scope="session")
def built(npm: str) -> Path:
    """The page as it is in the sources now, where the daemon looks for it."""
    static = ROOT / "otlpd" / "static"
    sources = [path for path in DASHBOARD.iterdir() if path.is_file() and path.name != "openapi.json"]
    sources += [path for path in (DASHBOARD / "src").rglob("*") if path.name != "schema.d.ts"]
    index = static / "index.html"
    if not index.exists() or index.stat().st_mtime <= max(path.stat().st_mtime for path in sources):
        # Beside it and then in its place, as other tests may be reading it now.
        new, old = static.with_name("static.new"), static.with_name("static.old")
        built = [npm, "run", "build", "--", "--outDir", str(new), "--emptyOutDir"]
        subprocess.run(built, cwd=DASHBOARD, check=True, timeout=300, capture_output=True)
        shutil.rmtree(old, ignore_errors=True)
        if static.exists():
            static.rename(old)
        new.rename(static)
        shutil.rmtree(old, ignore_errors=True)
    return static


@pytest.fixture(scope="session")
def axe(npm: str) -> str:
    """The script that finds what assistive technology would stumble over."""
    assert npm
    return (DASHBOARD / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Ends with the package: while it is open a loop runs in this thread, and no test with a loop of its own can."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            give_up("the page in a browser", "there is no Chromium on this machine (as root: make chromium)")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pictures() -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS


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
