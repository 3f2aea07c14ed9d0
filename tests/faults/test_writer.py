"""Proves how the writer treats those who wait for it: groups, bounds, poisoned requests, listeners, the end; and that an answer
comes after its commit and not before, as another program's connection sees it at that moment.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from storage.batch import Written
from storage.errors import StoreBusy, StoreClosed, StoreError, StoreUnwritable
from storage.sqlite.connect import connect_writer
from storage.sqlite.store import SqliteSettings, SqliteStore, open_store
from storage.sqlite.writing.writer import Writer, WriterSettings
from tests.faults.plan import sender
from tests.faults.recount import connect, faults_of, told
from tests.faults.telemetry import Log, Point, Span, logs_batch, metrics_batch, spans_batch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from storage.contract import Committed


@pytest.fixture
def path(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path / "writer.db"))


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(SqliteSettings(path))
    yield opened
    await opened.aclose()


def poisoned(number: int) -> Any:
    """A request with a value that SQLite does not take, as no kernel makes it."""
    batch = spans_batch([Span(number, number)])
    batch.rows[0] = (*batch.rows[0][:-1], 2**70)
    return batch


def test_poisoned_request_fails_alone(path: Path) -> None:
    """Its neighbours in the commit group are stored; it is refused, and not with the words to send it again."""
    batches = [spans_batch([Span(1, 1)]), poisoned(2), logs_batch([Log()]), poisoned(3), metrics_batch([Point()])]
    with sender(path) as one:
        for _ in range(3):
            answers = one.send_all(batches)
            assert [type(answer) for answer in answers] == [Written, StoreError, Written, StoreError, Written]
        assert isinstance(one.send(spans_batch([Span(4, 4)])), Written)
    assert [len(kept) for kept in told(path).values()] == [2, 1, 1, 2]
    assert faults_of(path) == []


def test_answer_comes_after_the_commit(path: Path) -> None:
    """At the moment of each answer another connection counts the rows: what is acknowledged is there."""
    counts: list[tuple[int, int]] = []
    acknowledged = 0
    done = threading.Event()

    def answered(answers: Any) -> None:
        nonlocal acknowledged
        acknowledged += sum(answer.stored for _, answer in answers)
        with closing(connect(path)) as other:
            counts.append((other.execute("select count(*) from span_rows").fetchone()[0], acknowledged))
        if acknowledged == 200:
            done.set()

    writer = Writer(lambda: connect_writer(path), answered, lambda _: None)
    writer.start()
    for number in range(100):
        writer.submit(spans_batch([Span(number, 2 * number), Span(number, 2 * number + 1)]), number)
    assert done.wait(10)
    assert writer.stop(10)
    assert counts
    assert all(stored >= answered_for for stored, answered_for in counts)


def test_busy_writer_commits_in_groups(path: Path) -> None:
    """What waits while one group commits goes into the next one; a group is bounded by its rows."""
    with sender(path) as one:
        one.send_all([spans_batch([Span(number, number)]) for number in range(400)])
        assert 1 <= one.writer.figures.commits < 100
        commits = one.writer.figures.commits
        one.send_all([spans_batch([Span(big, 1000 * big + at) for at in range(1000)]) for big in range(1, 13)])
        assert one.writer.figures.commits - commits >= 3


def test_queue_is_bounded_in_rows_and_bytes(path: Path) -> None:
    """Over the bound is StoreBusy at once; one request alone is taken however large; room comes back with the answers."""
    for settings in (WriterSettings(max_waiting_rows=20), WriterSettings(max_waiting_bytes=1000)):
        with sender(path, settings=settings) as one, closing(connect(path)) as other:
            other.execute("begin immediate")
            first = spans_batch([Span(1, number) for number in range(30)])
            assert first.size_bytes > 1000
            one.writer.submit(first, 0)
            taken = 1
            refusal = None
            while refusal is None and taken < 30:
                try:
                    one.writer.submit(spans_batch([Span(2, 100 + taken)]), taken)
                    taken += 1
                except StoreBusy as error:
                    refusal = error
            assert refusal is not None
            assert 1 <= refusal.retry_after <= 5
            assert one.writer.waiting_rows >= 20 or one.writer.waiting_bytes >= 900
            other.execute("rollback")
            assert all(isinstance(one._answers.get(timeout=10)[1], Written) for _ in range(taken))
            assert (one.writer.waiting_rows, one.writer.waiting_bytes) == (0, 0)
            assert isinstance(one.send(spans_batch([Span(3, 999)])), Written)


def test_lock_held_by_another_program_is_busy(path: Path) -> None:
    """Longer than SQLite waits: refused as busy and nothing is stored; after it, all is well."""
    with sender(path) as one, closing(connect(path)) as other:
        other.execute("begin immediate")
        assert isinstance(one.send(spans_batch([Span(1, 1)])), StoreBusy)
        assert isinstance(one.probe(), StoreBusy)
        other.execute("rollback")
        assert one.probe() is None
        assert told(path)["spans"] == []
        assert isinstance(one.send(spans_batch([Span(1, 1)])), Written)
    assert faults_of(path) == []


@pytest.mark.parametrize("what", ["", "-wal"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_file_that_is_taken_away_is_noticed(path: Path, what: str, how: str) -> None:
    """SQLite would go on writing into a file that has no name any more; put back, it is good again."""
    file = Path(f"{path}{what}")
    with sender(path) as one:
        assert isinstance(one.send(spans_batch([Span(1, 1)])), Written)
        away = file.rename(path.with_name("away"))
        if how == "replaced":
            shutil.copy(away, file)
        answer = one.send(spans_batch([Span(1, 2)]))
        assert isinstance(answer, StoreUnwritable)
        assert how in str(answer)
        assert str(file) in str(answer)
        assert isinstance(one.probe(), StoreUnwritable)
        away.rename(file)
        assert isinstance(one.send(spans_batch([Span(1, 2)])), Written)
    assert faults_of(path) == []


def test_writer_that_ends_by_a_fault_leaves_nobody_waiting(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A defect outside of all transactions: those who wait are answered, those who come are refused, so is readiness."""
    answers: list[Any] = []
    done = threading.Event()

    def answered(some: Any) -> None:
        answers.extend(some)
        if len(answers) == 1:
            raise RuntimeError("a defect")
        done.set()

    writer = Writer(lambda: connect_writer(path), answered, lambda _: None)
    writer.start()
    writer.submit(spans_batch([Span(1, 1)]), "first")
    assert done.wait(10)
    writer._thread.join(10)
    assert [ticket for ticket, _ in answers] == ["first", "first"]
    with pytest.raises(StoreClosed, match="a defect"):
        writer.submit(spans_batch([Span(1, 2)]), "second")
    with pytest.raises(StoreClosed):
        writer.probe(lambda _: None)
    assert "a defect" in caplog.text


async def test_concurrent_senders(store: SqliteStore) -> None:
    """Sixty-four at once, all signals, resends among them; each is answered for itself."""

    async def send(number: int) -> None:
        for at in range(5):
            numbers = range(100 * number + 10 * at, 100 * number + 10 * at + 10)
            batch = spans_batch([Span(number, one) for one in numbers])
            first, again = await asyncio.gather(store.write(batch), store.write(batch))
            assert first.stored + again.stored == 10
            await store.write(logs_batch([Log(f"hello {one}", one) for one in numbers]))
            await store.write(metrics_batch([Point(time=one, service=f"s{number}") for one in numbers]))

    await asyncio.gather(*map(send, range(64)))
    assert [len(kept) for kept in told(store.path).values()] == [3200, 3200, 3200, 64]
    assert faults_of(store.path) == []


async def test_stopping_store_writes_what_it_took_and_takes_no_more(path: Path) -> None:
    """aclose drains; it may come twice; afterwards everything is refused with the words to send it to the next process."""
    store = await open_store(SqliteSettings(path))
    writes = [asyncio.create_task(store.write(spans_batch([Span(1, number)]))) for number in range(50)]
    await asyncio.sleep(0)
    await asyncio.gather(store.aclose(), store.aclose())
    assert [write.result().stored for write in writes] == [1] * 50
    with pytest.raises(StoreClosed):
        await store.write(spans_batch([Span(1, 99)]))
    with pytest.raises(StoreClosed):
        await store.check_ready()
    with pytest.raises(StoreClosed):
        await store.trace("0" * 32)
    assert [news async for news in store.listen()] == []
    await store.aclose()
    assert len(told(path)["spans"]) == 50


async def test_stop_that_meets_its_bound_refuses_what_waits(path: Path) -> None:
    """Another program holds the lock for longer than the stop may take: nobody is left without an answer."""
    store = await open_store(SqliteSettings(path))
    with closing(connect(path)) as other:
        other.execute("begin immediate")
        first = asyncio.create_task(store.write(spans_batch([Span(1, 1)])))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(store.write(spans_batch([Span(1, 2)])))
        await asyncio.sleep(0.05)
        with pytest.raises(StoreError, match="did not finish"):
            await store.aclose(within_seconds=0.2)
        with pytest.raises(StoreClosed):
            await second
        other.execute("rollback")
        assert (await first).stored == 1
    await store.aclose()
    assert len(told(path)["spans"]) == 1


async def test_listeners_hear_of_commits_from_when_they_listen(store: SqliteStore) -> None:
    await store.write(spans_batch([Span(1, 1)]))
    news = store.listen()
    await store.write(spans_batch([Span(2, 2), Span(3, 3)]))
    await store.write(spans_batch([Span(2, 2)]))
    await store.write(logs_batch([Log("hello", 1), Log("hello", 2)]))
    await store.write(metrics_batch([Point()]))
    heard: list[Committed] = [await asyncio.wait_for(anext(news), 5) for _ in range(3)]
    assert [(one.signal, one.rows) for one in heard] == [("traces", 2), ("logs", 2), ("metrics", 1)]
    assert len(heard[0].trace_ids) == 2
    assert (heard[1].first_log_id, heard[1].last_log_id) == (1, 2)
    del news
    gc.collect()
    await asyncio.sleep(0.05)
    assert list(store._listeners) == []


async def test_store_is_ready_when_it_can_commit(store: SqliteStore) -> None:
    await asyncio.gather(*(store.check_ready() for _ in range(100)))
    with closing(connect(store.path)) as other:
        other.execute("begin immediate")
        with pytest.raises(StoreBusy):
            await store.check_ready()
        other.execute("rollback")
    await store.check_ready()


async def test_sender_that_leaves_does_not_disturb(store: SqliteStore) -> None:
    """Its request is kept or not, whole; the others are answered."""
    leaving = asyncio.create_task(store.write(spans_batch([Span(1, 1), Span(1, 2)])))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await store.write(spans_batch([Span(2, 3)]))).stored == 1
    assert len(told(store.path)["spans"]) in {1, 3}
    assert faults_of(store.path) == []
