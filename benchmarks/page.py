"""`python -m benchmarks.page`: how soon each view of the page is usable with a million spans in the file, in a real Chromium.

Fills a file with agents' work (or takes one that is there), adds a trace of 30,000 spans, opens every view several times, and
appends the medians to docs/benchmarks.md: from the new address until all that the view shows has come and is drawn, the longest
task in that time, and the slowest question to the API. Then the large trace: opened, unfolded and scrolled.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from benchmarks.__main__ import RECORD, machine
from benchmarks.agents_fill import fill_sessions
from benchmarks.browser import TWO_FRAMES, Rest, launch
from benchmarks.daemon import daemon
from benchmarks.large_trace import TRACE_ID, requests_of_large_trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from benchmarks.daemon import Daemon

SESSIONS = 24_000  # of 42 spans
ROUNDS = 3
WHEEL_TURNS = 30
FACTS_WITHIN_SECONDS = 900
VIEWS = (
    "overview", "agents", "agents/{agent}", "sessions", "sessions/{session}", "sessions?q=refund", "llm-calls", "tools", "errors",
    "users", "comparison", "traces", "traces?service=agent-service-3&status=error", "traces?attr.thread.name=MainThread", "spans",
    "logs", "latency", "anomalies", "metrics", "services", "hosts", "jobs", "status",
)  # fmt: skip
_WATCH = (
    "() => { window.tasks = []; const keep = (list) => window.tasks.push(...list.getEntries().map((one) => one.duration));"
    "new PerformanceObserver(keep).observe({type: 'longtask'}); performance.setResourceTimingBufferSize(5000); }"
)
_SLOWEST = (
    "() => performance.getEntriesByType('resource').filter((one) => one.name.includes('/api/') && !one.name.includes('/stream'))"
    ".map((one) => [one.duration, one.name.slice(location.origin.length)]).sort((a, b) => b[0] - a[0])[0] ?? [0, '']"
)


@dataclass(frozen=True, slots=True)
class Opened:
    seconds: float
    longest_task_ms: float
    slowest_ms: float
    slowest: str


class Tab:
    """A page of its own, at an address that asks for nothing, with everything loaded that all views share."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.rest = Rest(page)
        page.goto(f"{url}/#/nothing")
        page.wait_for_timeout(300)
        page.evaluate(_WATCH)

    def open(self, view: str) -> Opened:
        self.page.evaluate("() => { performance.clearResourceTimings(); window.tasks.splice(0); }")
        begun = time.monotonic()
        self.page.evaluate("(view) => { location.hash = '#/' + view; }", view)
        self.page.evaluate(TWO_FRAMES)
        self.rest.wait()
        seconds = time.monotonic() - begun
        slowest_ms, slowest = self.page.evaluate(_SLOWEST)
        return Opened(seconds, self.longest_task_ms(), slowest_ms, slowest)

    def longest_task_ms(self) -> float:
        return float(self.page.evaluate("Math.max(0, ...window.tasks)"))


def page_table(file: Path | None) -> Iterator[str]:
    """Rows of two Markdown tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = file or Path(folder) / "page.db"
        if file is None:
            fill_sessions(path, SESSIONS, time.time_ns())
        with daemon(path) as running, sync_playwright() as playwright:
            url = f"http://127.0.0.1:{running.api_port}"
            _wait_for_facts(running)
            _send_large_trace(url)
            names = _names(running)
            browser = launch(playwright)
            if browser is None:
                raise SystemExit("there is no Chromium on this machine (as root: make chromium)")
            spans = running.ask("/api/stats")["spans"]
            yield f"{spans:,} spans; medians of {ROUNDS}, in ms; load average {os.getloadavg()[0]:.1f} at the beginning."
            yield ""
            yield "| view | usable after | longest task | slowest question | which |"
            yield "|---|---|---|---|---|"
            for view in VIEWS:
                rounds = []
                for _ in range(ROUNDS):
                    with browser.new_context(viewport={"width": 1280, "height": 860}) as context:
                        rounds.append(Tab(context.new_page(), url).open(view.format(**names)))
                yield _row(view, rounds)
            yield ""
            yield "| trace of 30,000 spans | ms |"
            yield "|---|---|"
            with browser.new_context(viewport={"width": 1280, "height": 860}) as context:
                yield from _large_trace(Tab(context.new_page(), url))
            browser.close()


def _row(view: str, rounds: list[Opened]) -> str:
    middle = sorted(rounds, key=lambda one: one.seconds)[len(rounds) // 2]
    task = statistics.median(one.longest_task_ms for one in rounds)
    return f"| `{view}` | {middle.seconds * 1000:.0f} | {task:.0f} | {middle.slowest_ms:.0f} | `{middle.slowest[:90]}` |"


def _large_trace(tab: Tab) -> Iterator[str]:
    opened = tab.open(f"traces/{TRACE_ID}")
    yield f"| usable after | {opened.seconds * 1000:.0f} |"
    yield f"| of which the API | {opened.slowest_ms:.0f} |"
    yield f"| longest task while opening | {opened.longest_task_ms:.0f} |"
    tab.page.get_by_role("button", name="Unfold all").click()
    tab.page.wait_for_timeout(500)
    tab.page.evaluate("window.tasks.splice(0)")
    tab.page.mouse.move(700, 500)
    for _ in range(WHEEL_TURNS):
        tab.page.mouse.wheel(0, 8_000)
        tab.page.evaluate(TWO_FRAMES)
    depth = tab.page.evaluate("document.querySelector('.rows').scrollTop")
    yield f"| longest task while scrolling {depth:,} px | {tab.longest_task_ms():.0f} |"


def _wait_for_facts(running: Daemon) -> None:
    """What agents did is worked out behind the ingest."""
    end = time.monotonic() + FACTS_WITHIN_SECONDS
    while running.ask("/api/stats")["counters"]["facts_owed"]:
        if time.monotonic() > end:
            raise TimeoutError(f"facts are still owed after {FACTS_WITHIN_SECONDS} s")
        time.sleep(1)


def _send_large_trace(url: str) -> None:
    for body in requests_of_large_trace(time.time_ns()):
        request = urllib.request.Request(f"{url}/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        with urllib.request.urlopen(request, timeout=60):
            pass


def _names(running: Daemon) -> dict[str, str]:
    agents, sessions = running.ask("/api/agents?limit=1"), running.ask("/api/sessions?limit=1")
    return {"agent": agents[0]["agent_id"], "session": sessions[0]["session_id"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="measure this file, which grows by the large trace")
    parser.add_argument("--keep", action="store_true", help="append to docs/benchmarks.md")
    chosen = parser.parse_args()
    lines = [f"\n## The page: {machine()}\n"]
    for line in page_table(chosen.file):
        print(line, flush=True)
        lines.append(line)
    if chosen.keep:
        with RECORD.open("a", encoding="utf-8") as record:
            record.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
