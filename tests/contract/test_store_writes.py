"""Proves that what is sent again is not kept twice (cases 249 to 258 of the OTLP rules), that what is sent changed takes the
place of the old, and that all that is kept beside the rows follows: summaries of traces, latency roll-ups, the block index.

The second half is by property: any shuffle and any batching of the same spans leaves the same store, equal to a recount from
the rows.
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
import sqlite3
import tempfile
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.histogram import unpack_into
from storage.sqlite.connect import connect_writer
from storage.sqlite.migrate import migrate
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from storage.sqlite.writing.work import Work
from tests.faults.recount import connect, faults_of, stored_summaries
from tests.faults.telemetry import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    Log,
    Point,
    Span,
    logs_batch,
    logs_body,
    metrics_batch,
    span_id,
    spans_batch,
    trace_id,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

TRACE = [
    Span(1, 1, name="GET /", start=0, duration=9 * SECOND),
    Span(1, 2, parent=1, name="query", service="db", start=SECOND, duration=2 * SECOND, attributes={"rows": 5}),
    Span(1, 3, parent=1, name="render", start=4 * SECOND, failed=True),
]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(SqliteSettings(path))
    try:
        yield store
    finally:
        await store.aclose()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with opened(tmp_path / "writes.db") as one:
        yield one


def ask(store: SqliteStore, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """By another program's connection."""
    with closing(connect(store.path)) as connection:
        return [tuple(row) for row in connection.execute(question, values)]


def summary(store: SqliteStore, trace: int) -> tuple[Any, ...]:
    with closing(connect(store.path)) as connection:
        return stored_summaries(connection)[trace_id(trace)]


async def test_same_spans_twice_are_one_set(store: SqliteStore) -> None:
    """Case 249, and 255: the answer to the first was lost after its commit."""
    first, second = await store.write(spans_batch(TRACE)), await store.write(spans_batch(TRACE, NOW + MINUTE))
    assert (first.stored, first.duplicates, second.stored, second.duplicates) == (3, 0, 0, 3)
    assert ask(store, "select count(*) from spans") == [(3,)]
    assert summary(store, 1)[2:4] == (3, 1)
    assert faults_of(store.path) == []


async def test_changed_span_replaces_the_old(store: SqliteStore) -> None:
    """Case 250: the last wins, and the trace, its services, the roll-ups and the search follow."""
    await store.write(spans_batch(TRACE))
    changed = TRACE[1].but(name="update", service="cache", failed=True, start=70 * SECOND, attributes={"rows": 6, "hit": "no"})
    written = await store.write(spans_batch([changed]))
    assert (written.stored, written.duplicates) == (0, 1)
    assert ask(store, "select name, attributes from spans where span_id = ?", span_id(2)) == [("update", '{"rows":6,"hit":"no"}')]
    start, end, spans, errors, _, root, service, services = summary(store, 1)
    assert (start, end, spans, errors) == (NOW, NOW + 72 * SECOND, 3, 2)
    assert (root, service, services) == ("GET /", "shop", ["cache", "shop"])
    assert faults_of(store.path, exact_extremes=False) == []


async def test_changed_root_is_the_root_or_no_longer(store: SqliteStore) -> None:
    await store.write(spans_batch(TRACE))
    await store.write(spans_batch([TRACE[0].but(name="GET /index", service="front")]))
    assert summary(store, 1)[4:7] == (span_id(1), "GET /index", "front")
    await store.write(spans_batch([TRACE[0].but(parent=77)]))
    assert summary(store, 1)[4:7] == (None, None, None)
    assert faults_of(store.path, exact_extremes=False) == []


@pytest.mark.parametrize("together", [True, False], ids=["in one request", "in two requests"])
@pytest.mark.parametrize("complete_first", [True, False])
async def test_last_complete_span_wins(store: SqliteStore, *, together: bool, complete_first: bool) -> None:
    """Some senders report a span when it starts, without an end, and again when it ends; the two may change places."""
    pending, complete = TRACE[1].but(ended=False), TRACE[1]
    order = [complete, pending] if complete_first else [pending, complete]
    for batch in [order] if together else [[span] for span in order]:
        await store.write(spans_batch(batch))
    assert ask(store, "select end_time from spans") == [(NOW + 3 * SECOND,)]
    assert summary(store, 1)[:3] == (NOW + SECOND, NOW + 3 * SECOND, 1)
    assert faults_of(store.path, exact_extremes=False) == []


async def test_same_span_twice_in_one_request(store: SqliteStore) -> None:
    written = await store.write(spans_batch([TRACE[0], TRACE[0].but(name="POST /"), TRACE[0]]))
    assert written.stored == 1
    assert ask(store, "select name from spans") == [("GET /",)]
    assert faults_of(store.path) == []


async def test_resend_that_overtakes_its_first_copy(store: SqliteStore) -> None:
    """The same requests several times in one commit group, among others of the same trace: each item counts once."""
    batches = [spans_batch(TRACE), spans_batch([TRACE[1].but(failed=True)]), spans_batch([Span(1, 9, parent=1)])]
    answers = await asyncio.gather(*(store.write(batch) for batch in [*batches, *batches, *batches]))
    assert sum(one.stored for one in answers) == 4
    assert sum(one.stored + one.duplicates for one in answers) == 3 * 5
    assert faults_of(store.path, exact_extremes=False) == []


async def test_span_of_old_block_is_found_by_its_new_attribute(store: SqliteStore) -> None:
    """The span lies in a sealed block, which has to learn what is new in it."""
    await store.write(spans_batch([Span(trace, trace, start=trace) for trace in range(1, 1500)]))
    assert ask(store, "select count(*) from blocks where table_name = 'spans'") == [(1,)]
    await store.write(spans_batch([Span(7, 7, name="new name", service="new", start=HOUR, attributes={"colour": "blue"})]))
    assert faults_of(store.path, exact_extremes=False) == []


async def test_same_logs_twice_are_one_set(store: SqliteStore) -> None:
    """Case 251: compressed or not, by HTTP or gRPC, the decoded request is what counts. Case 253: equal records are both kept."""
    records = [Log("hello", 1), Log("hello", 1), Log("bye", 2)]
    written = await store.write(logs_batch(records))
    body = gzip.decompress(gzip.compress(logs_body(records)))
    assert body == logs_body(records)
    again = await store.write(logs_batch(records, NOW + 5 * MINUTE))
    assert (written.stored, again.stored, again.duplicates) == (3, 0, 3)
    assert ask(store, "select body from logs order by id") == [("hello",), ("hello",), ("bye",)]
    assert faults_of(store.path) == []


async def test_same_text_at_another_time_is_another_record(store: SqliteStore) -> None:
    """Case 252."""
    await store.write(logs_batch([Log("hello", 1)]))
    await store.write(logs_batch([Log("hello", 2)]))
    assert ask(store, "select time from logs order by id") == [(NOW + 1,), (NOW + 2,)]


async def test_log_record_uid_is_an_identity(store: SqliteStore) -> None:
    """The Collector may put a record into another request when it sends again: its own id still tells."""
    await store.write(logs_batch([Log("hello a", 1, uid="a"), Log("hello b", 2, uid="b")]))
    written = await store.write(logs_batch([Log("hello b", 2, uid="b"), Log("hello c", 3, uid="c"), Log("hello", 4)]))
    assert (written.stored, written.duplicates) == (2, 1)
    assert ask(store, "select body from logs order by id") == [("hello a",), ("hello b",), ("hello c",), ("hello",)]
    assert faults_of(store.path) == []


async def test_same_point_twice_is_one_and_the_last_wins(store: SqliteStore) -> None:
    """Case 254."""
    await store.write(metrics_batch([Point(value=1, time=1), Point(value=2, time=2)]))
    written = await store.write(metrics_batch([Point(value=5, time=2), Point(value=6, time=2), Point(value=3, time=3)]))
    assert (written.stored, written.duplicates) == (1, 2)
    assert ask(store, "select time, value from metric_points") == [(NOW + 1, 1.0), (NOW + 2, 6.0), (NOW + 3, 3.0)]
    assert ask(store, "select count(*) from metric_streams") == [(1,)]
    assert faults_of(store.path) == []


async def test_changed_description_is_the_same_stream(store: SqliteStore) -> None:
    await store.write(metrics_batch([Point(description="old", time=1)]))
    await store.write(metrics_batch([Point(description="new", time=2)]))
    assert ask(store, "select description from metric_streams") == [("new",)]
    assert faults_of(store.path) == []


async def test_only_new_rows_of_a_mixed_request_count(store: SqliteStore) -> None:
    """A sender's retry may carry what was stored and what was not; nothing of it is an error (case 257)."""
    await store.write(spans_batch(TRACE))
    written = await store.write(spans_batch([*TRACE, Span(1, 4, parent=3), Span(2, 5)]))
    assert (written.stored, written.duplicates) == (2, 3)
    assert summary(store, 1)[2] == 4
    assert faults_of(store.path) == []


async def test_late_data_corrects_the_rollups(store: SqliteStore) -> None:
    """A span that comes after those of later minutes and hours lands in the cell of its own minute and hour."""
    await store.write(spans_batch([Span(1, 1, start=2 * HOUR), Span(2, 2, start=2 * HOUR + MINUTE)]))
    await store.write(spans_batch([Span(3, 3, start=0), Span(4, 4, start=MINUTE, duration=7 * SECOND, failed=True)]))
    assert ask(store, "select hour - (select min(hour) from latency_hours), count from latency_hours") == [(0, 2), (2, 2)]
    assert faults_of(store.path) == []


async def test_restart_describes_the_tail_again(tmp_path: Path) -> None:
    """What a search needs to know of rows that no block covers yet is read from them; numbers go on where they were."""
    path = tmp_path / "restart.db"
    attributes: dict[str, str | int] = {"n": 5, "text": 'quo"te', "empty": ""}
    for round_ in range(4):
        async with opened(path) as store:
            numbers = range(round_ * 700, round_ * 700 + 700)
            spans = [Span(one + 1, one + 1, start=one, failed=one % 7 == 0, attributes=attributes) for one in numbers]
            await store.write(spans_batch(spans))
            await store.write(spans_batch(spans))
            await store.write(logs_batch([Log(f"hello {one}", one, event=f"event{one % 3}") for one in numbers]))
            await store.write(logs_batch([Log(f"hello {one}", one, event=f"event{one % 3}") for one in numbers]))
        assert faults_of(path) == []
    with closing(connect(path)) as connection:
        assert connection.execute("select count(*) from blocks group by table_name").fetchall() != []
        assert connection.execute("select count(distinct id), count(*) from span_rows").fetchone()[:] == (2800, 2800)


async def test_resends_alone_do_not_use_up_numbers(tmp_path: Path) -> None:
    """Blocks that covered numbers without rows would, after a restart, claim the rows that get those numbers."""
    path = tmp_path / "resends.db"
    spans = [Span(one, one, start=one) for one in range(1, 801)]
    async with opened(path) as store:
        for _ in range(4):
            await store.write(spans_batch(spans))
            await store.write(spans_batch([*spans[:400], Span(2000, 2000 + _)]))
    async with opened(path) as store:
        await store.write(spans_batch([Span(one, one, name="late", start=one) for one in range(5000, 6200)]))
    assert faults_of(path) == []


# By property.

TINY = st.integers(0, 2)
HEALTH = [HealthCheck.too_slow]


@st.composite
def stories(draw: st.DrawFn) -> list[Span]:
    """Spans of a few traces, with several roots or none, equal starts, ends before starts' minutes, and any service."""
    count = draw(st.integers(1, 9))
    return [
        Span(
            trace=draw(TINY),
            span=number,
            parent=draw(st.one_of(st.none(), st.integers(0, 9))),
            name=draw(st.sampled_from(["a", "b", ""])),
            service=draw(st.sampled_from(["shop", "db", ""])),
            start=draw(st.sampled_from([0, 1, MINUTE - 1, MINUTE, HOUR, 3 * HOUR])),
            duration=draw(st.sampled_from([0, 1, 1000, SECOND, 2 * HOUR, -5])),
            failed=draw(st.booleans()),
            attributes=draw(st.dictionaries(st.sampled_from("kx"), st.one_of(st.integers(0, 3), st.sampled_from("yz")))),
        )
        for number in range(1, count + 1)
    ]


@st.composite
def deliveries(draw: st.DrawFn, spans: Sequence[Span]) -> list[list[Span]]:
    """The spans in any order and any batches, some of them sent again."""
    order = draw(st.permutations(spans))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    batches = [order[low:high] for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    again = draw(st.lists(st.sampled_from(batches), max_size=2))
    return [batch for batch in [*batches, *again] if batch]


TABLES = {
    "traces": "select trace_id, start_time, end_time, span_count, error_count, root_span_id, root_name, root_service, services"
    " from traces order by trace_id",
    "trace_services": "select s.service_name, s.start_time, trace_id from trace_services s join traces on key = trace_key"
    " order by 1, 2, 3",
    **{
        table: f"select {period}, service_name, name, kind, count, error_count, sum, min, max, sorted_pairs(buckets)"
        f" from {table} join operations on operations.id = operation_id where count > 0 order by 1, 2, 3, 4"
        for table, period in (
            ("latency_minutes", "minute"), ("latency_hours", "hour"), ("service_minutes", "minute"), ("service_hours", "hour"),
        )
    },
    "row_counts": "select * from row_counts order by 1",
    "spans": "select trace_id, span_id, parent_span_id, name, kind, start_time, end_time, spans.attributes, service_name"
    " from spans join resources on resources.id = resource_id order by 1, 2",
}  # fmt: skip


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("sorted_pairs", 1, _sorted_pairs, deterministic=True)
        return {name: connection.execute(question).fetchall() for name, question in TABLES.items()}


def _sorted_pairs(buckets: bytes) -> str:
    """Buckets stand in no order."""
    filled: dict[int, int] = {}
    unpack_into(filled, buckets)
    return repr(sorted(filled.items()))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    with closing(connect_writer(path)) as connection:
        migrate(connection)
    return path


def write_all(empty: Path, batches: Sequence[Sequence[Span]], *, at_once: bool) -> Iterator[Path]:
    """A new store that was given the batches, by the writer's own steps: in one commit group, or in one each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(empty, folder))
        with closing(connect_writer(path)) as connection:
            work = Work(connection)
            work.load()
            made = [spans_batch(batch) for batch in batches]
            for group in [made] if at_once else [[one] for one in made]:
                work.write(group)
        yield path


written = contextmanager(write_all)


@settings(max_examples=30, deadline=None, suppress_health_check=HEALTH)
@given(data=st.data(), spans=stories(), at_once=st.booleans())
def test_order_and_batching_do_not_matter(empty: Path, data: st.DataObject, spans: list[Span], at_once: bool) -> None:
    """The same spans in any order, cut into any requests, some sent again, one by one or in one commit group."""
    with written(empty, [spans], at_once=False) as path:
        assert faults_of(path) == []
        told = contents(path)
    with written(empty, data.draw(deliveries(spans)), at_once=at_once) as path:
        assert faults_of(path) == []
        assert contents(path) == told


@settings(max_examples=30, deadline=None, suppress_health_check=HEALTH)
@given(batches=st.lists(stories(), min_size=2, max_size=4), at_once=st.booleans())
def test_changed_spans_leave_a_store_that_adds_up(empty: Path, batches: list[list[Span]], at_once: bool) -> None:
    """Batches that tell different things of the same spans: the last one stands, and everything follows from the rows."""
    with written(empty, batches, at_once=at_once) as path:
        assert faults_of(path, exact_extremes=False) == []
        with closing(sqlite3.connect(path)) as connection:
            names = connection.execute("select trace_id || span_id, name from spans order by 1").fetchall()
    last = {trace_id(span.trace) + span_id(span.span): span.name for batch in batches for span in batch}
    assert names == sorted(last.items())
