"""How long the questions take on a full store: asked of the engine, as the API asks them."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING

from storage.contract import AttributeFilter, LatencyQuery, TimeRange, TraceQuery
from storage.sqlite.store import SqliteSettings, open_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from storage.sqlite.store import SqliteStore

HOUR_NS = 3_600_000_000_000
ROUNDS = 7

Question = "Callable[[SqliteStore], Awaitable[object]]"


async def median_ms(path: Path, now_ns: int) -> dict[str, float]:
    """The median of seven askings of each question, by name, in ms; `now_ns` is where the data ends."""
    store = await open_store(SqliteSettings(path))
    try:
        newest = await store.find_traces(TraceQuery(TimeRange(now_ns - HOUR_NS, now_ns), limit=200))
        middle = newest.items[100].trace_id
        content = await store.trace(middle)
        assert content is not None
        session = _conversation(content.spans[0].attributes)
        answers = {}
        for name, ask in _questions(now_ns, newest.items[0].services[0], middle, session).items():
            answers[name] = await _median(store, ask)
        return answers
    finally:
        await store.aclose()


def _questions(now: int, service: str, trace_id: str, session: str) -> dict[str, Callable[[SqliteStore], Awaitable[object]]]:
    day, hour = TimeRange(now - 24 * HOUR_NS, now), TimeRange(now - HOUR_NS, now)
    rare = (AttributeFilter("gen_ai.conversation.id", session),)
    common = (AttributeFilter("gen_ai.request.model", "gpt-4o"),)
    return {
        "percentiles by service over 24 h": lambda store: store.latency(LatencyQuery(day, "service")),
        "percentiles by operation over 24 h": lambda store: store.latency(LatencyQuery(day, "operation")),
        "newest 50 traces of a service": lambda store: store.find_traces(TraceQuery(service=service)),
        "newest 50 traces with errors": lambda store: store.find_traces(TraceQuery(failed=True)),
        "a trace by id": lambda store: store.trace(trace_id),
        "a rare attribute within one hour": lambda store: store.find_traces(TraceQuery(hour, attributes=rare)),
        "a common attribute within one hour": lambda store: store.find_traces(TraceQuery(hour, attributes=common)),
        "a rare attribute within 24 h": lambda store: store.find_traces(TraceQuery(day, attributes=rare)),
        "services over 24 h": lambda store: store.services(day),
        "operations over 24 h": lambda store: store.operations(None, day),
    }


async def _median(store: SqliteStore, ask: Callable[[SqliteStore], Awaitable[object]]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        await ask(store)
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def _conversation(attributes: str) -> str:
    import orjson  # noqa: PLC0415  only here

    return str(orjson.loads(attributes)["gen_ai.conversation.id"])


def ask_all(path: Path, now_ns: int) -> dict[str, float]:
    return asyncio.run(median_ms(path, now_ns))
