"""A trace of 30,000 spans opens in under two seconds beyond the time that the API takes, and scrolls without a long pause."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import expect

from benchmarks.telemetry import llm_attributes, set_attributes, set_resource
from tests.running import request

if TYPE_CHECKING:
    from tests.browser.visit import Visit
    from tests.running import Daemon

pytestmark = pytest.mark.timeout(400)

SPANS = 30_000
REQUEST_SPANS = 500
TRACE = "b" * 32
MOST_SECONDS = 2.0
TRIES = 3  # other programs on the machine may take their share of one or two
MOST_PAUSE_MS = 200
MILLISECOND = 10**6


def send_large_trace(daemon: Daemon) -> None:
    """Ever shorter spans below each other and beside each other, each with eleven attributes."""
    rng = random.Random(4)
    start = time.time_ns() - 60_000 * MILLISECOND
    spans = [(rng.randbytes(8), b"", start, start + 50_000 * MILLISECOND)]
    while len(spans) < SPANS:
        parent, _, begin, end = spans[int(len(spans) * rng.random() ** 3)]
        first = begin + int((end - begin) * rng.random() * 0.7)
        spans.append((rng.randbytes(8), parent, first, first + max(1, int((end - first) * rng.random()))))
    for offset in range(0, SPANS, REQUEST_SPANS):
        export = ExportTraceServiceRequest()
        resource_spans = export.resource_spans.add()
        set_resource(resource_spans.resource, "batch")
        scope_spans = resource_spans.scope_spans.add()
        for number, (span_id, parent, begin, end) in enumerate(spans[offset : offset + REQUEST_SPANS], offset):
            span = scope_spans.spans.add(
                trace_id=bytes.fromhex(TRACE), span_id=span_id, parent_span_id=parent, name=f"step {number % 40}",
                start_time_unix_nano=begin, end_time_unix_nano=end,
            )  # fmt: skip
            set_attributes(span.attributes, llm_attributes(rng, "session", "agent"))
        answer = request(
            "POST", f"{daemon.api_url}/v1/traces", export.SerializeToString(), {"Content-Type": "application/x-protobuf"}
        )
        assert answer.status == 200


def longest_pause_of_scrolling(visit: Visit) -> int:
    """The longest task of more than 50 ms while the wheel turns from the top to somewhere deep, in ms."""
    page = visit.page
    page.evaluate("() => { document.querySelector('.rows').scrollTop = 0; window.pauses.splice(0); }")
    page.mouse.move(700, 500)
    for _ in range(60):
        page.mouse.wheel(0, 4_000)
        page.wait_for_timeout(20)
    assert page.evaluate("document.querySelector('.rows').scrollTop") > 100_000
    return int(page.evaluate("Math.max(0, ...window.pauses)"))


def opening_seconds(visit: Visit) -> float:
    """From the click to the rows, less what the API takes to answer the same question at this moment."""
    begun = time.monotonic()
    assert len(visit.daemon.ask(f"/api/traces/{TRACE}")["spans"]) == SPANS
    asked = time.monotonic() - begun
    visit.page.goto("about:blank")
    visit.open("status")
    begun = time.monotonic()
    visit.page.evaluate(f"location.hash = '#/traces/{TRACE}'")
    expect(visit.page.get_by_role("treeitem").first).to_be_visible(timeout=30_000)
    return time.monotonic() - begun - asked


def test_a_trace_of_thirty_thousand_spans(visit: Visit) -> None:
    send_large_trace(visit.daemon)
    page = visit.open("traces").page
    assert min(opening_seconds(visit) for _ in range(TRIES)) < MOST_SECONDS
    page.evaluate(
        "() => { window.pauses = []; const keep = (list) => window.pauses.push(...list.getEntries().map((one) => one.duration));"
        "new PerformanceObserver(keep).observe({type: 'longtask'}); }"
    )
    page.get_by_role("button", name="Unfold all").click()
    page.wait_for_timeout(500)
    assert min(longest_pause_of_scrolling(visit) for _ in range(TRIES)) <= MOST_PAUSE_MS
    page.get_by_role("button", name="Flame graph").click()
    expect(page.locator("canvas")).to_be_visible()
    assert visit.troubles == []
