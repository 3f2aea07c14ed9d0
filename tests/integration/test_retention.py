"""Proves that retention removes what is too old or too much and nothing else, gives the space back to the disk, goes on while
data comes in, and leaves a store in which everything still adds up. The clock is the test's.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import pytest

from storage.contract import LogQuery, SpanQuery, TraceQuery
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from storage.sqlite.upkeep.retention import RetentionSettings
from storage.sqlite.upkeep.schedule import Upkeep
from storage.sqlite.writing.blocks import BLOCK_ROWS
from tests.faults.recount import connect, faults_of
from tests.faults.telemetry import DAY, HOUR, MINUTE, NOW, SECOND, Log, Point, Span, logs_batch, metrics_batch, spans_batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TEN_DAYS = RetentionSettings(max_age_days=10.0)
FOR_EVER = RetentionSettings(max_age_days=None, minute_rollup_days=None, hour_rollup_days=None)
MEBIBYTE = 2**20
TWO, FOUR, TEN, TWENTY = 2 * BLOCK_ROWS, 4 * BLOCK_ROWS, 10 * BLOCK_ROWS, 20 * BLOCK_ROWS


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def opened(path: Path, clock: Clock, retention: RetentionSettings) -> AsyncIterator[SqliteStore]:
    store = await open_store(SqliteSettings(path, retention=retention, upkeep_seconds=3600), clock)
    try:
        yield store
    finally:
        await store.aclose()


async def round_of(store: SqliteStore) -> None:
    """One round of upkeep, to its end."""
    store._upkeep.round()
    await at_rest(store)


async def at_rest(store: SqliteStore) -> None:
    for _ in range(30_000):
        if store._writer.idle:
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


def ask(store: SqliteStore, question: str) -> list[tuple[Any, ...]]:
    with closing(connect(store.path)) as connection:
        return [tuple(row) for row in connection.execute(question)]


def spans(first: int, count: int, start: int = 0, width: int = 50) -> list[Span]:
    """Four spans a trace."""
    attributes: dict[str, str | int] = {"n": 1, "padding": "x" * width}
    return [Span(one // 4, one, start=start + one, attributes=attributes) for one in range(first, first + count)]


async def fill(store: SqliteStore, first: int, count: int, received: int, width: int = 50) -> None:
    """Spans and logs received at a time, a block a request."""
    start = received - NOW
    for at in range(first, first + count, BLOCK_ROWS):
        await store.write(spans_batch(spans(at, min(BLOCK_ROWS, first + count - at), start, width), received + at))
        many = range(at, min(at + BLOCK_ROWS, first + count))
        await store.write(logs_batch([Log(f"hello {one} {'y' * width}", start + one) for one in many], received + at))


async def test_age_removes_what_is_old_and_only_that(tmp_path: Path, clock: Clock) -> None:
    """Rows of ten days go, from the lists, the search and the full text; younger ones and the roll-ups stay."""
    async with opened(tmp_path / "age.db", clock, TEN_DAYS) as store:
        await fill(store, 0, FOUR, NOW - 11 * DAY)
        await store.write(metrics_batch([Point(time=-11 * DAY), Point(time=-DAY), Point("gone", time=-12 * DAY)]))
        await fill(store, FOUR, TWO, NOW - 9 * DAY)
        counted = ask(store, "select sum(count) from latency_hours")
        await round_of(store)
        assert ask(store, "select min(start_time), count(*) from span_rows") == [(NOW - 9 * DAY + FOUR, TWO)]
        assert ask(store, "select min(time), count(*) from logs") == [(NOW - 9 * DAY + FOUR, TWO)]
        assert ask(store, "select time - (select min(time) from metric_points), name from metric_points join metric_streams"
                   " on id = stream_id") == [(0, "load")]  # fmt: skip
        assert ask(store, "select count(*) from logs_text where logs_text match 'hello'") == [(TWO,)]
        assert ask(store, "select sum(count) from latency_hours") == counted
        assert faults_of(store.path, expired=True) == []
        assert len((await store.find_spans(SpanQuery(limit=5000))).items) == TWO
        assert len((await store.find_logs(LogQuery(text="hello", limit=5000))).items) == TWO
        assert len((await store.find_traces(TraceQuery(limit=5000))).items) == TWO // 4


async def test_age_counts_from_receipt(tmp_path: Path, clock: Clock) -> None:
    """What a sender with a wrong clock dates back to last year stays ten days as well."""
    async with opened(tmp_path / "receipt.db", clock, TEN_DAYS) as store:
        await store.write(spans_batch(spans(0, BLOCK_ROWS, start=-365 * DAY), NOW - DAY))
        await round_of(store)
        assert ask(store, "select count(*) from spans") == [(BLOCK_ROWS,)]
        clock.now = NOW + 9 * DAY + MINUTE
        store._upkeep._last = (clock.now, store._upkeep._last[1])
        await round_of(store)
        assert ask(store, "select count(*) from spans") == [(0,)]


async def test_small_tail_is_removed_in_its_time(tmp_path: Path, clock: Clock) -> None:
    """Rows too few for a block are sealed after an hour, and go ten days later."""
    async with opened(tmp_path / "tail.db", clock, TEN_DAYS) as store:
        await store.write(spans_batch(spans(0, 5), NOW))
        for now, left in ((NOW + 2 * HOUR, 5), (NOW + 9 * DAY, 5), (NOW + 10 * DAY + 2 * HOUR, 0)):
            clock.now = now
            store._upkeep._last = (clock.now, store._upkeep._last[1])
            await round_of(store)
            assert ask(store, "select count(*) from spans") == [(left,)]
        assert faults_of(store.path, expired=True) == []


async def test_trace_that_expires_in_part_says_what_is_left(tmp_path: Path, clock: Clock) -> None:
    """Its start, root, services and counts are those of the spans that are still there."""
    async with opened(tmp_path / "part.db", clock, TEN_DAYS) as store:
        old = [Span(5, 1, service="front", failed=True), *spans(2000, BLOCK_ROWS - 1)]
        await store.write(spans_batch(old, NOW - 11 * DAY))
        await store.write(spans_batch([Span(5, 2, parent=1, service="db", start=7 * SECOND)], NOW))
        await round_of(store)
        assert ask(store, "select start_time, span_count, error_count, root_name, services from traces") == [
            (NOW + 7 * SECOND, 1, 0, None, '["db"]')
        ]
        assert faults_of(store.path, expired=True) == []


async def test_numbers_are_never_used_again(tmp_path: Path, clock: Clock) -> None:
    """An exporter's cursor, a page's cursor: the number of a row means that row for ever, also after all rows went."""
    path = tmp_path / "numbers.db"
    seen: set[tuple[str, int]] = set()
    for round_ in range(3):
        clock.now = NOW + round_ * 20 * DAY
        async with opened(path, clock, TEN_DAYS) as store:
            await fill(store, round_ * TWO, TWO, clock.now - 11 * DAY)
            numbers = ask(store, "select 'span', id from span_rows union all select 'log', id from logs"
                          " union all select 'trace', key from traces")  # fmt: skip
            assert len(numbers) == TWO + TWO + TWO // 4
            assert not seen & set(numbers)
            seen |= set(numbers)
            await round_of(store)
            assert ask(store, "select count(*) from span_rows") == [(0,)]
            assert faults_of(path, expired=True) == []


async def test_size_limit_shrinks_the_file(tmp_path: Path, clock: Clock) -> None:
    """Oldest first, until the file itself is within the limit, on the disk and not only in the books."""
    limit = RetentionSettings(max_age_days=None, max_size_bytes=8 * MEBIBYTE)
    async with opened(tmp_path / "size.db", clock, limit) as store:
        await fill(store, 0, TEN, NOW - DAY, width=600)
        await round_before(store)
        assert store.path.stat().st_size > 14 * MEBIBYTE
        await round_of(store)
        assert store.path.stat().st_size <= 8 * MEBIBYTE
        ((oldest, count),) = ask(store, "select min(id), count(*) from span_rows")
        assert BLOCK_ROWS < count < 9 * BLOCK_ROWS
        assert oldest == TEN - count + 1
        assert faults_of(store.path, expired=True) == []
        await round_of(store)
        assert ask(store, "select count(*) from span_rows") == [(count,)]


async def round_before(store: SqliteStore) -> None:
    """Brings all of the log into the file, so that its size tells."""
    with closing(connect(store.path)) as connection:
        connection.execute("pragma wal_checkpoint(passive)").fetchall()


async def test_size_limit_takes_metric_points_too(tmp_path: Path, clock: Clock) -> None:
    limit = RetentionSettings(max_age_days=None, max_size_bytes=3 * MEBIBYTE)
    async with opened(tmp_path / "points.db", clock, limit) as store:
        for day in range(40):
            points = [Point(f"m{one % 40}", time=(day - 40) * DAY + one, attributes={"a": "x" * 20}) for one in range(3000)]
            await store.write(metrics_batch(points, NOW))
        await round_of(store)
        assert store.path.stat().st_size <= 3 * MEBIBYTE
        ((oldest, newest, count),) = ask(store, "select min(time), max(time), count(*) from metric_points")
        assert count > 40_000
        assert newest > NOW - 2 * DAY
        assert oldest > NOW - 36 * DAY
        assert ask(store, "select rows from row_counts where signal = 'metrics'") == [(count,)]


async def test_ingest_goes_on_while_retention_works(tmp_path: Path, clock: Clock) -> None:
    """Writes are answered between the slices: none waits for the whole round, and nothing of them is removed."""
    async with opened(tmp_path / "both.db", clock, TEN_DAYS) as store:
        await fill(store, 0, TWENTY, NOW - 11 * DAY)
        store._upkeep.round()
        waits = []
        for one in range(30):
            began = asyncio.get_running_loop().time()
            await store.write(spans_batch(spans(100_000 + 10 * one, 10), NOW))
            waits.append(asyncio.get_running_loop().time() - began)
        under_way = not store._writer.idle
        await at_rest(store)
        assert under_way
        assert max(waits) < 2.0
        assert ask(store, "select count(*), min(start_time) from span_rows") == [(300, NOW + 100_000)]
        assert faults_of(store.path, expired=True) == []


async def test_nothing_is_removed_without_limits(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path / "ever.db", clock, FOR_EVER) as store:
        await fill(store, 0, TWO, NOW - 4000 * DAY)
        await store.write(metrics_batch([Point(time=-4000 * DAY)]))
        await round_of(store)
        assert ask(store, "select signal, rows from row_counts") == [("logs", TWO), ("metrics", 1), ("traces", TWO)]
        assert faults_of(store.path) == []


async def test_rollups_have_ages_of_their_own(tmp_path: Path, clock: Clock) -> None:
    settings = RetentionSettings(max_age_days=None, minute_rollup_days=1.0, hour_rollup_days=3.0)
    async with opened(tmp_path / "rollups.db", clock, settings) as store:
        await store.write(spans_batch([Span(day, day, start=-day * DAY) for day in range(1, 8)]))
        await round_of(store)
        for table, kept in (("latency_minutes", 1), ("service_minutes", 1), ("latency_hours", 3), ("service_hours", 3)):
            assert ask(store, f"select count(*) from {table}") == [(kept,)], table


async def test_digests_of_requests_are_forgotten_after_a_day(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path / "digests.db", clock, FOR_EVER) as store:
        await store.write(logs_batch([Log("old")], NOW - 2 * DAY))
        await store.write(logs_batch([Log("new")], NOW - HOUR))
        await round_of(store)
        assert ask(store, "select received_time from log_requests") == [(NOW - HOUR,)]
        assert (await store.write(logs_batch([Log("new")]))).duplicates == 1


async def test_clock_that_leaps_ahead_removes_nothing_for_an_hour(tmp_path: Path, clock: Clock) -> None:
    """A clock that is put right within the hour has cost nothing; one that stays is believed."""
    steady = Clock()
    async with opened(tmp_path / "leap.db", clock, TEN_DAYS) as store:
        store._upkeep = Upkeep(store._writer, store._retention, 3600, clock, steady)
        await fill(store, 0, BLOCK_ROWS, NOW)

        async def later(elapsed: int, leap: int) -> int:
            clock.now += elapsed + leap
            steady.now += elapsed
            await round_of(store)
            count: int = ask(store, "select count(*) from span_rows")[0][0]
            return count

        assert await later(MINUTE, 365 * DAY) == BLOCK_ROWS
        assert await later(MINUTE, 0) == BLOCK_ROWS
        assert await later(MINUTE, -365 * DAY) == BLOCK_ROWS
        assert await later(2 * HOUR, 0) == BLOCK_ROWS
        assert await later(MINUTE, 365 * DAY) == BLOCK_ROWS
        assert await later(30 * MINUTE, 0) == BLOCK_ROWS
        assert await later(31 * MINUTE, 0) == 0


async def test_rows_received_under_a_clock_ahead_are_removed_with_those_after_them(tmp_path: Path, clock: Clock) -> None:
    """A block dated next year neither stays a year nor keeps those behind it."""
    async with opened(tmp_path / "ahead.db", clock, TEN_DAYS) as store:
        await fill(store, 0, BLOCK_ROWS, NOW + 365 * DAY)
        await fill(store, BLOCK_ROWS, BLOCK_ROWS, NOW - 11 * DAY)
        await fill(store, TWO, BLOCK_ROWS, NOW - 9 * DAY)
        await round_of(store)
        assert ask(store, "select min(id), count(*) from span_rows") == [(TWO + 1, BLOCK_ROWS)]
