"""Asking while receiving: what each costs the other."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.daemon import daemon
from benchmarks.fill import fill
from benchmarks.ingest import requests_of
from benchmarks.load import over_http

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.daemon import Daemon
    from benchmarks.load import LoadResult

SPANS = 500_000
DAY_NS = 86_400_000_000_000
LIGHT = "/api/latency?group_by=service&start=-24h"
# Reads every span of a day, as grouping by an attribute must.
HEAVY = "/api/latency?group_by=gen_ai.request.model&start=-24h"


def together_table() -> list[str]:
    """Rows of a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "otlpd.db"
        now = time.time_ns()
        fill(database, SPANS, now - DAY_NS, now)
        requests = requests_of("traces", 100, 900, 5)
        with daemon(database) as running:
            alone = asyncio.run(over_http(running, "traces", requests[:300], 8))
            quiet = asyncio.run(_ask(running, LIGHT, 40))
            beside_heavy, _ = asyncio.run(_both(running, requests[300:600], HEAVY))
            beside_light, asked = asyncio.run(_both(running, requests[600:], LIGHT))
    return [
        "| | p50 ms | p99 ms |",
        "|---|---|---|",
        _row("a request of 100 spans, 8 clients, nobody asks", alone),
        _row("the same while a heavy question runs all the time", beside_heavy),
        _row("the same while a light question runs all the time", beside_light),
        f"| percentiles by service over 24 h, nobody sends | {statistics.median(quiet):.0f} | {max(quiet):.0f} |",
        f"| the same while 8 clients send | {statistics.median(asked):.0f} | {sorted(asked)[int(len(asked) * 0.99)]:.0f} |",
    ]


def _row(name: str, result: LoadResult) -> str:
    return f"| {name} | {result.percentile_ms(0.5):.0f} | {result.percentile_ms(0.99):.0f} |"


async def _ask(running: Daemon, path: str, times: int) -> list[float]:
    taken = []
    async with aiohttp.ClientSession() as session:
        for _ in range(times):
            started = time.perf_counter()
            async with session.get(f"http://127.0.0.1:{running.api_port}{path}") as answer:
                await answer.read()
            taken.append((time.perf_counter() - started) * 1000)
    return taken


async def _both(running: Daemon, requests: Sequence[bytes], path: str) -> tuple[LoadResult, list[float]]:
    """Sends while it asks, one question after the other, until everything is sent."""
    taken: list[float] = []

    async def keep_asking() -> None:
        while True:
            taken.extend(await _ask(running, path, 1))

    asking = asyncio.create_task(keep_asking())
    result = await over_http(running, "traces", requests, 8)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return result, taken or [float("nan")]
