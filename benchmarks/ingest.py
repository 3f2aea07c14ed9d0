"""Durable ingest: spans, logs and points per second until the last acknowledgement, over both transports."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bare_loop import rows_per_second
from benchmarks.daemon import daemon
from benchmarks.load import over_grpc, over_http
from benchmarks.telemetry import SECOND_NS, log_request, metric_request, trace_request

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from benchmarks.daemon import Daemon
    from benchmarks.load import LoadResult

    Loading = Coroutine[None, None, LoadResult]
    Send = Callable[[Daemon, str, Sequence[bytes], int], Loading]

TRANSPORTS: dict[str, Send] = {"HTTP": over_http, "gRPC": over_grpc}
# Name, signal, items a request, requests, clients.
CASES = (
    ("spans, 8 clients x 500", "traces", 500, 300, 8),
    ("spans, 64 clients x 10", "traces", 10, 3000, 64),
    ("logs, 8 clients x 500", "logs", 500, 200, 8),
    ("points, 8 clients x 500", "metrics", 500, 200, 8),
)


WITH_AND_WITHOUT = ("spans, 8 clients x 500, facts on", "spans, 8 clients x 500, facts off")
PAID_WITHIN_SECONDS = 300.0


@dataclass(slots=True)
class IngestFigures:
    """Medians over the runs; a ratio is taken within its run."""

    rates: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        rate, ratio = statistics.median(self.rates), statistics.median(self.ratios)
        half, late = statistics.median(self.p50_ms), statistics.median(self.p99_ms)
        cost, memory = statistics.median(self.microseconds), max(self.memory_mib)
        return f"| {name} | {rate:,.0f} | {ratio:.2f} | {half:.0f} | {late:.0f} | {cost:.0f} | {memory:.0f} |"


def requests_of(signal: str, items: int, count: int, seed: int) -> list[bytes]:
    """Requests whose telemetry ends about now."""
    rng = random.Random(seed)
    now = time.time_ns() - count * SECOND_NS // 10
    makers: dict[str, Callable[[random.Random, int, int], bytes]] = {
        "traces": trace_request,
        "logs": log_request,
        "metrics": metric_request,
    }
    make = makers[signal]
    return [make(rng, items, now + number * SECOND_NS // 10) for number in range(count)]


def ingest_table(runs: int) -> list[str]:
    """Rows of a Markdown table."""
    figures = {(case[0], transport): IngestFigures() for case in CASES for transport in TRANSPORTS}
    bare = []
    for run in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            yardstick = rows_per_second(Path(folder), requests_of("traces", 500, 200, run))
            bare.append(yardstick)
            for name, signal, items, count, clients in CASES:
                requests = requests_of(signal, items, count, 100 + run)
                for transport, send in TRANSPORTS.items():
                    one = figures[name, transport]
                    _measure(Path(folder), one, yardstick, items * count, _loading(send, signal, requests, clients))
    head = ["| | items/s | of the bare loop | p50 ms | p99 ms | CPU µs/item | memory MiB |", "|---|---|---|---|---|---|---|"]
    head.append(f"| bare loop (index-free table, one writer, FULL) | {statistics.median(bare):,.0f} | 1 | | | | |")
    return [*head, *(one.row(f"{name}, {transport}") for (name, transport), one in figures.items()), *facts_rows(runs)]


def facts_rows(runs: int) -> list[str]:
    """The same spans with facts and without, one after the other in every run."""
    figures = {name: IngestFigures() for name in WITH_AND_WITHOUT}
    ratios, until_paid = [], []
    for run in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            yardstick = rows_per_second(Path(folder), requests_of("traces", 500, 200, run))
            load = _loading(over_http, "traces", requests_of("traces", 500, 300, 100 + run), 8)
            for name in WITH_AND_WITHOUT:
                paid = _measure(Path(folder), figures[name], yardstick, 500 * 300, load, "--facts", name.rpartition(" ")[2])
                until_paid.append(paid)
            ratios.append(figures[WITH_AND_WITHOUT[0]].rates[-1] / figures[WITH_AND_WITHOUT[1]].rates[-1])
    last = f"| rate with facts, of the rate without; then until no fact is owed | {statistics.median(ratios):.2f} |"
    return [*(one.row(f"{name}, HTTP") for name, one in figures.items()), f"{last} {max(until_paid):.0f} s | | | | |"]


def _loading(send: Send, signal: str, requests: Sequence[bytes], clients: int) -> Callable[[Daemon], Loading]:
    return lambda running: send(running, signal, requests, clients)


def _measure(
    folder: Path, figures: IngestFigures, yardstick: float, items: int, load: Callable[[Daemon], Loading], *extra: str
) -> float:
    """Seconds until no fact is owed any more, after the last acknowledgement."""
    database = Path(tempfile.mkdtemp(dir=folder)) / "otlpd.db"
    with daemon(database, *extra) as running:
        before = running.cpu_seconds()
        result = asyncio.run(load(running))
        rate = items / result.seconds
        figures.rates.append(rate)
        figures.ratios.append(rate / yardstick)
        figures.p50_ms.append(result.percentile_ms(0.5))
        figures.p99_ms.append(result.percentile_ms(0.99))
        figures.memory_mib.append(running.memory_mib())
        figures.microseconds.append((running.cpu_seconds() - before) / items * 1e6)
        started = time.perf_counter()
        while running.ask("/api/stats")["counters"]["facts_owed"] and time.perf_counter() - started < PAID_WITHIN_SECONDS:
            time.sleep(0.2)
        return time.perf_counter() - started
