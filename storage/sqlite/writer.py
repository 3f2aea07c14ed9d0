"""The one thread that writes: group commit without a timer.

It takes what waits, at most 5,000 rows at a time, writes it in one transaction, commits under synchronous=FULL, and only then
answers every sender. While it commits, the next group gathers: the busier, the larger the groups, and the cheaper the commit
(one a request at 1 client, one per 60 requests at 64). Maintenance runs between groups, in slices of some milliseconds.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.contract import Committed
from storage.errors import StoreBusy, StoreClosed, StoreError
from storage.sqlite.blocks import Blocks
from storage.sqlite.faults import concerns_store, refusal
from storage.sqlite.references import References
from storage.sqlite.statements import statement
from storage.sqlite.write_logs import LogWriter
from storage.sqlite.write_metrics import MetricWriter
from storage.sqlite.write_traces import TraceWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storage.batch import Batch, Written

    # Runs on the writer thread with its connection, in transactions of its own making; True when its work is finished.
    Slice = Callable[[sqlite3.Connection], bool]
    _Job = Callable[["Work"], bool | None]
    Answers = Sequence[tuple[object, Written | StoreError | None]]

logger = logging.getLogger(__name__)

GROUP_ROWS = 5_000
GROUP_BYTES = 16 * 2**20
# Under steady load maintenance still gets its turn this often.
JOB_EVERY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Bounds of what may wait for a commit. 64 MiB of requests take about three times that in memory."""

    max_waiting_rows: int = 200_000
    max_waiting_bytes: int = 64 * 2**20


@dataclass(slots=True)
class WriterFigures:
    """Counters, written by the writer thread and read by anyone."""

    commits: int = 0
    commit_seconds: float = 0.0
    rows: int = 0
    duplicates: int = 0
    failed_groups: int = 0
    jobs: int = 0


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    ticket: object


class Writer:
    """Owns the writing connection. `submit` may be called from any thread.

    On the writer thread it calls `answered` once a group, with the ticket and the outcome of every batch in it, and
    `committed` with what listeners may want to know.
    """

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        answered: Callable[[Answers], None],
        committed: Callable[[Sequence[Committed]], None],
        settings: WriterSettings | None = None,
    ) -> None:
        self._connect = connect
        self._answered = answered
        self._committed = committed
        self._settings = settings or WriterSettings()
        self._wake = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._jobs: deque[_Job] = deque()
        self._stopping = False
        self._failed: BaseException | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._last_job = 0.0
        self.waiting_rows = 0
        self.waiting_bytes = 0
        self.figures = WriterFigures()

    def start(self) -> None:
        """Returns when the connection is open; raises what opening it raised."""
        self._thread.start()
        self._opened.wait()
        if self._failed is not None:
            raise self._failed

    def submit(self, batch: Batch, ticket: object) -> None:
        """Queues a batch, to be answered under its ticket; raises StoreBusy (the queue is full) and StoreClosed."""
        rows = max(len(batch.rows), 1)
        with self._wake:
            if self._stopping or self._failed is not None:
                raise StoreClosed("otlpd is stopping; send again")
            full = (
                self.waiting_rows + rows > self._settings.max_waiting_rows
                or self.waiting_bytes + batch.size_bytes > self._settings.max_waiting_bytes
            )
            if full and self._waiting:
                raise StoreBusy(f"{self.waiting_rows} rows wait to be written; send again in a moment", retry_after=1)
            self.waiting_rows += rows
            self.waiting_bytes += batch.size_bytes
            self._waiting.append(_Waiting(batch, ticket))
            self._wake.notify()

    def add_slice(self, work: Slice) -> None:
        """Queues maintenance: `work` is called between groups until it returns True."""
        self._add_job(lambda state: _guarded(state, lambda: work(state.connection)))

    def seal_tails(self, before: int) -> None:
        """Queues the sealing of blocks that have been open since `before` (ns)."""
        self._add_job(lambda state: _guarded(state, lambda: state.seal_tails(before)))

    def probe(self, answer: Callable[[StoreError | None], None]) -> None:
        """Commits a mark of its own and answers, on the writer thread, with what a write would meet now."""
        if self._stopping or self._failed is not None or not self._thread.is_alive():
            answer(StoreClosed("otlpd is stopping"))
            return
        self._add_job(lambda state: answer(state.probe()))

    def _add_job(self, job: _Job) -> None:
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()

    def stop(self, within_seconds: float) -> bool:
        """Writes what waits, closes the connection and ends the thread; False when that took longer than allowed."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(within_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            connection = self._connect()
            work = Work(connection)
            work.load()
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits in start()
            self._failed = error
            self._opened.set()
            return
        self._opened.set()
        try:
            while self._turn(work):
                pass
        finally:
            connection.close()

    def _turn(self, work: Work) -> bool:
        with self._wake:
            while not (self._waiting or self._jobs or self._stopping):
                self._wake.wait()
            group = self._take_group()
        if group:
            self._commit(work, group)
        elif self._stopping:
            self._drop_jobs(work)
            return False
        if self._jobs and (not group or time.monotonic() - self._last_job > JOB_EVERY_SECONDS):
            self._run_job(work)
        return True

    def _run_job(self, work: Work) -> None:
        job = self._jobs.popleft()
        unfinished = job(work) is False
        self.figures.jobs += 1
        self._last_job = time.monotonic()
        if unfinished:
            self._jobs.append(job)

    def _drop_jobs(self, work: Work) -> None:
        """At the end every job gets its turn once, so that nobody waits for an answer; none is repeated."""
        while self._jobs:
            self._run_job_once(work)

    def _run_job_once(self, work: Work) -> None:
        self._jobs.popleft()(work)

    def _take_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        rows = size = 0
        while self._waiting and rows < GROUP_ROWS and size < GROUP_BYTES:
            item = self._waiting.popleft()
            group.append(item)
            rows += max(len(item.batch.rows), 1)
            size += item.batch.size_bytes
        return group

    def _commit(self, work: Work, group: list[_Waiting]) -> None:
        try:
            self._commit_together(work, group)
        except Exception as error:  # noqa: BLE001  every kind of fault is sorted below
            self.figures.failed_groups += 1
            work.roll_back()
            if len(group) > 1 and not concerns_store(error):
                # One request holds something that cannot be stored; it must not fail its neighbours.
                for item in group:
                    self._commit(work, [item])
                return
            logger.warning("a group of %d requests was not stored: %s", len(group), error)
            fault = error if isinstance(error, StoreError) else refusal(error)
            self._answer(group, [fault] * len(group))

    def _commit_together(self, work: Work, group: list[_Waiting]) -> None:
        started = time.perf_counter()
        written, news = work.write([item.batch for item in group])
        figures = self.figures
        figures.commits += 1
        figures.commit_seconds += time.perf_counter() - started
        figures.rows += sum(one.stored for one in written)
        figures.duplicates += sum(one.duplicates for one in written)
        self._answer(group, written)
        if news:
            self._committed(news)

    def _answer(self, group: list[_Waiting], answers: Sequence[Written | StoreError]) -> None:
        with self._wake:
            self.waiting_rows -= sum(max(len(item.batch.rows), 1) for item in group)
            self.waiting_bytes -= sum(item.batch.size_bytes for item in group)
        self._answered([(item.ticket, answer) for item, answer in zip(group, answers, strict=True)])


def _guarded(work: Work, step: Callable[[], bool | None]) -> bool | None:
    """Runs a step of maintenance; a fault in it ends the step, not the thread."""
    try:
        return step()
    except Exception:
        logger.exception("a maintenance step failed; it will be tried again when it is next due")
        work.roll_back()
        return None
    finally:
        work.forget()


class Work:
    """The writing connection and what is remembered beside it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._references = References(connection)
        spans, logs = Blocks(connection, "spans", "span_tail"), Blocks(connection, "logs", "log_tail")
        self._blocks = (spans, logs)
        self._logs = LogWriter(connection, self._references, logs)
        self._traces = TraceWriter(connection, self._references, spans)
        self._signals: dict[str, TraceWriter | LogWriter | MetricWriter] = {
            "traces": self._traces,
            "logs": self._logs,
            "metrics": MetricWriter(connection, self._references),
        }

    def load(self) -> None:
        for signal in self._signals.values():
            signal.load()

    def write(self, batches: Sequence[Batch]) -> tuple[list[Written], list[Committed]]:
        """One transaction; what was written of each batch, in order, and what to tell listeners."""
        written: dict[int, Written] = {}
        news: list[Committed] = []
        self.connection.execute(statement("begin_writing"))
        for name, signal in self._signals.items():
            chosen = [(place, batch) for place, batch in enumerate(batches) if batch.signal == name]
            if not chosen:
                continue
            first_log = self._logs.next_number
            outcomes = signal.write([batch for _, batch in chosen])
            written.update(zip((place for place, _ in chosen), outcomes, strict=True))
            rows = sum(outcome.stored for outcome in outcomes)
            if rows:
                self.connection.execute(statement("count_rows"), (rows, name))
                trace_ids = [trace_id for _, batch in chosen for trace_id in batch.traces]
                news.append(_news(name, rows, trace_ids, first_log, self._logs.next_number - 1))
        self.connection.execute(statement("commit_writing"))
        return [written[place] for place in range(len(batches))], news

    def seal_tails(self, before: int) -> None:
        """Describes what has waited in a tail since `before` (ns), so that retention can see it."""
        self.connection.execute(statement("begin_writing"))
        for blocks in self._blocks:
            blocks.seal_if_before(before)
        self.connection.execute(statement("commit_writing"))

    def probe(self) -> StoreError | None:
        """Commits a mark; what a write would meet now."""
        try:
            self.connection.execute(statement("begin_writing"))
            self.connection.execute(statement("set_meta"), ("last_probe", str(time.time_ns())))
            self.connection.execute(statement("commit_writing"))
        except sqlite3.Error as error:
            self.roll_back()
            return refusal(error)
        return None

    def forget(self) -> None:
        """Maintenance may have removed what is remembered."""
        self._references.forget()
        self._traces.forget()

    def roll_back(self) -> None:
        """Undoes the open transaction and what was remembered in it."""
        try:
            if self.connection.in_transaction:
                self.connection.execute(statement("roll_back_writing"))
            self._references.forget()
            self.load()
        except sqlite3.Error as error:
            logger.warning("after a failed write the database cannot be read either: %s", error)


def _news(signal: str, rows: int, trace_ids: Sequence[str], first_log: int, last_log: int) -> Committed:
    if signal == "logs":
        return Committed("logs", rows, (), first_log, last_log)
    return Committed("traces" if signal == "traces" else "metrics", rows, trace_ids)
