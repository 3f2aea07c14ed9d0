"""A trace of 30,000 spans opens in under two seconds beyond the time that the API takes, and scrolls without a long pause."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from benchmarks.browser import TWO_FRAMES
from benchmarks.large_trace import TRACE_ID, requests_of_large_trace
from tests.browser.visit import Visit
from tests.running import request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.conftest import StartDaemon
    from tests.running import Daemon

pytestmark = pytest.mark.timeout(400)

MOST_SECONDS = 2.0
TRIES = 3
WHEEL_TURNS = 20
MOST_PAUSE_MS = 200


def send_large_trace(daemon: Daemon) -> None:
    for body in requests_of_large_trace(time.time_ns()):
        answer = request("POST", f"{daemon.api_url}/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        assert answer.status == 200


def longest_pause_of_scrolling(visit: Visit) -> int:
    """The longest task of more than 50 ms while the wheel turns from the top to somewhere deep, in ms."""
    page = visit.page
    page.evaluate("() => { document.querySelector('.rows').scrollTop = 0; window.pauses.splice(0); }")
    page.mouse.move(700, 500)
    for _ in range(WHEEL_TURNS):
        page.mouse.wheel(0, 8_000)
        page.evaluate(TWO_FRAMES)
    assert page.evaluate("document.querySelector('.rows').scrollTop") > 100_000
    return int(page.evaluate("Math.max(0, ...window.pauses)"))


def opening_seconds(visit: Visit) -> float:
    """From the new address to the rows, less what the API took to answer, as the browser saw it."""
    visit.open("status")
    begun = time.monotonic()
    visit.page.evaluate(f"location.hash = '#/traces/{TRACE_ID}'")
    expect(visit.page.get_by_role("treeitem").first).to_be_visible(timeout=30_000)
    seconds = time.monotonic() - begun
    waited = visit.page.evaluate(
        f"performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/traces/{TRACE_ID}'))"
        ".reduce((sum, one) => sum + one.responseEnd - one.startTime, 0)"
    )
    assert waited > 0
    return seconds - float(waited) / 1000


def holds(measured: Callable[[], float], most: float) -> bool:
    """Whether it is so once: other programs on the machine may take their share of one or two tries."""
    return any(measured() <= most for _ in range(TRIES))


@pytest.fixture
def large(chromium: Browser, built: Path, start_daemon: StartDaemon) -> Iterator[Visit]:
    """A visit to a daemon of its own, as the trace would be in everybody's way elsewhere."""
    assert built.is_dir()
    daemon = start_daemon()
    send_large_trace(daemon)
    with Visit(chromium, daemon) as visit:
        yield visit


def test_a_trace_of_thirty_thousand_spans(large: Visit) -> None:
    visit, page = large, large.page
    assert holds(lambda: opening_seconds(visit), MOST_SECONDS)
    page.evaluate(
        "() => { window.pauses = []; const keep = (list) => window.pauses.push(...list.getEntries().map((one) => one.duration));"
        "new PerformanceObserver(keep).observe({type: 'longtask'}); }"
    )
    page.get_by_role("button", name="Unfold all").click()
    visit.settle()
    assert holds(lambda: longest_pause_of_scrolling(visit), MOST_PAUSE_MS)
    page.get_by_role("button", name="Flame graph").click()
    expect(page.locator("canvas")).to_be_visible()
    visit.check()
