"""The one thread that writes: group commit without a timer.

It takes what waits, at most 5,000 rows at a time, writes it in one transaction, commits under synchronous=FULL, and only then
answers every sender. While it commits, the next group gathers: the busier, the larger the groups, and the cheaper the commit
(one a request at 1 client, one per 60 requests at 64). Maintenance runs between groups, in slices of some milliseconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.contract import Committed
from storage.errors import StoreBusy, StoreClosed, StoreError
from storage.sqlite.blocks import Blocks
from storage.sqlite.facts_owed import Allowance, FactsOwed
from storage.sqlite.facts_stored import StoredFacts
from storage.sqlite.faults import concerns_store, refusal
from storage.sqlite.references import References
from storage.sqlite.service_signals import note_services
from storage.sqlite.statements import statement
from storage.sqlite.watched_file import WatchedFile
from storage.sqlite.write_facts import FactWriter
from storage.sqlite.write_logs import LogWriter
from storage.sqlite.write_metrics import MetricWriter
from storage.sqlite.write_traces import TraceWriter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from storage.batch import Batch, Written

    # Runs on the writer thread with its connection, in transactions of its own making; True when its work is finished.
    Slice = Callable[[sqlite3.Connection], bool]
    _Job = Callable[["Work"], bool | None]
    _Probe = Callable[[StoreError | None], None]
    Answers = Sequence[tuple[object, Written | StoreError | None]]

logger = logging.getLogger(__name__)

GROUP_ROWS = 5_000
GROUP_BYTES = 16 * 2**20
# Nothing came for so long: a good time for the facts that are owed.
PAUSE_SECONDS = 0.05
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
    # Pieces of at most 500 rows whose facts are still to be worked out.
    facts_owed: int = 0


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
        self._probes: list[_Probe] = []
        self._taken: list[_Waiting] = []
        self._stopping = False
        self._failed: BaseException | None = None
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._last_job = 0.0
        self._allowance = Allowance()
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
            self._check_open()
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

    def run(self, work: Callable[[sqlite3.Connection], None], answer: Callable[[StoreError | None], None]) -> None:
        """Queues one small transaction; answers on the writer thread after its commit. Raises StoreClosed."""
        with self._wake:
            self._check_open()
        self._add_job(lambda state: answer(state.run(work)))

    def probe(self, answer: _Probe) -> None:
        """Commits a mark and answers, on the writer thread, with what a write would meet now; raises StoreClosed.

        All who ask before the next commit share it.
        """
        with self._wake:
            self._check_open()
            self._probes.append(answer)
            self._wake.notify()

    def _check_open(self) -> None:
        if self._failed is not None:
            raise StoreClosed(f"the writer has ended and otlpd must be restarted: {self._failed}")
        if self._stopping:
            raise StoreClosed("otlpd is stopping; send again")

    @property
    def idle(self) -> bool:
        """Whether no maintenance waits for its turn."""
        return not self._jobs

    def _add_job(self, job: _Job) -> None:
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()

    def stop(self, within_seconds: float) -> bool:
        """Writes what waits, closes the connection and ends the thread.

        False when that takes longer than allowed: what waits is refused then, and the thread ends with its present group.
        """
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(within_seconds)
        if not self._thread.is_alive():
            return True
        with self._wake:
            left = list(self._waiting)
            self._waiting.clear()
        self._answer(left, [StoreClosed("otlpd stopped before this was written; send again")] * len(left))
        return False

    def _run(self) -> None:
        try:
            connection = self._connect()
        except BaseException as error:  # noqa: BLE001  handed to the thread that waits in start()
            self._failed = error
            self._opened.set()
            return
        try:
            work = Work(connection)
            work.load()
            self._opened.set()
            while self._turn(work):
                pass
        except BaseException as error:
            logger.exception("the writer ended by a fault of its own")
            self._give_up(error)
        finally:
            connection.close()
            self._opened.set()

    def _give_up(self, error: BaseException) -> None:
        """Leaves nobody waiting for a thread that has ended."""
        with self._wake:
            self._failed = error
            left = [*self._taken, *self._waiting]
            self._waiting.clear()
            probes, self._probes = self._probes, []
        closed = StoreClosed("the writer has ended and otlpd must be restarted")
        self._answer(left, [closed] * len(left))
        for answer in probes:
            answer(closed)

    def _turn(self, work: Work) -> bool:
        with self._wake:
            self._wait_for_work(work)
            group = self._take_group()
            probes, self._probes = self._probes, []
            if self._stopping and not group and not probes:
                # Maintenance that is left comes due again after the next start.
                return False
        if group:
            self._commit(work, group)
            self._taken = []
        if probes:
            fault = work.probe()
            for answer in probes:
                answer(fault)
        self._pay_facts(work, at_rest=not group)
        if self._jobs and (not group or time.monotonic() - self._last_job > JOB_EVERY_SECONDS):
            self._run_job(work)
        return True

    def _wait_for_work(self, work: Work) -> None:
        """Time without work is time for facts; what is owed of them waits for a pause, or for its share."""
        self._allowance.busy_until_now()
        while not (self._waiting or self._jobs or self._probes or self._stopping):
            came = self._wake.wait(PAUSE_SECONDS if work.owed.pieces else None)
            self._allowance.idle_until_now()
            if not came:
                return

    def _pay_facts(self, work: Work, *, at_rest: bool) -> None:
        if not work.owed.pieces or not (at_rest or self._allowance.is_left):
            self.figures.facts_owed = work.owed.pieces
            return
        started = time.perf_counter()
        try:
            work.pay_facts()
        except Exception:
            logger.exception("the facts of some rows could not be worked out; they stay owed")
            work.roll_back()
        self._allowance.spend(time.perf_counter() - started)
        self.figures.facts_owed = work.owed.pieces

    def _run_job(self, work: Work) -> None:
        """The job stays in the queue while it runs, so that `idle` tells the truth."""
        unfinished = self._jobs[0](work) is False
        self.figures.jobs += 1
        self._last_job = time.monotonic()
        if unfinished:
            self._jobs.rotate(-1)
        else:
            self._jobs.popleft()

    def _take_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        rows = size = 0
        while self._waiting and rows < GROUP_ROWS and size < GROUP_BYTES:
            item = self._waiting.popleft()
            group.append(item)
            rows += max(len(item.batch.rows), 1)
            size += item.batch.size_bytes
        self._taken = group
        return group

    def _commit(self, work: Work, group: list[_Waiting]) -> None:
        started = time.perf_counter()
        try:
            written, news = work.write([item.batch for item in group], owe_facts=not self._allowance.is_left)
        except Exception as error:  # noqa: BLE001  every kind of fault is sorted there
            self._refuse(work, group, error)
            return
        self._allowance.spend(work.fact_seconds)
        figures = self.figures
        figures.commits += 1
        figures.commit_seconds += time.perf_counter() - started
        figures.rows += sum(one.stored for one in written)
        figures.duplicates += sum(one.duplicates for one in written)
        # Listeners first: who listens after an answer does not hear of what was answered.
        if news:
            self._committed(news)
        self._answer(group, written)

    def _refuse(self, work: Work, group: list[_Waiting], error: Exception) -> None:
        self.figures.failed_groups += 1
        work.roll_back()
        if len(group) > 1 and not concerns_store(error):
            # One request holds something that cannot be stored; it must not fail its neighbours.
            for item in group:
                self._commit(work, [item])
            return
        logger.warning("a group of %d requests was not stored: %s", len(group), error)
        self._answer(group, [refusal(error)] * len(group))

    def _answer(self, group: list[_Waiting], answers: Sequence[Written | StoreError]) -> None:
        with self._wake:
            self.waiting_rows -= sum(max(len(item.batch.rows), 1) for item in group)
            self.waiting_bytes -= sum(item.batch.size_bytes for item in group)
        self._answered([(item.ticket, answer) for item, answer in zip(group, answers, strict=True)])


def _guarded(work: Work, step: Callable[[], bool | None]) -> bool | None:
    """Runs a step of maintenance; a fault in it ends the step, not the thread."""
    try:
        work.make_whole()
        return step()
    except Exception as error:
        if concerns_store(error):
            logger.warning("a maintenance step failed and will be tried again when it is next due: %s", error)
        else:
            logger.exception("a maintenance step failed")
        work.roll_back()
        return None
    finally:
        work.forget()


class Work:
    """The writing connection and what is remembered beside it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._file = WatchedFile(connection)
        self._whole = True
        self._references = References(connection)
        spans, logs = Blocks(connection, "spans", "span_tail"), Blocks(connection, "logs", "log_tail")
        self._blocks = (spans, logs)
        self._logs = LogWriter(connection, self._references, logs)
        self._traces = TraceWriter(connection, self._references, spans)
        self._metrics = MetricWriter(connection, self._references)
        self._facts = FactWriter(connection)
        self.owed = FactsOwed(connection, self._facts, StoredFacts(connection))
        self.fact_seconds = 0.0
        self._signals: dict[str, TraceWriter | LogWriter | MetricWriter] = {
            "traces": self._traces,
            "logs": self._logs,
            "metrics": self._metrics,
        }

    def load(self) -> None:
        self._facts.forget()
        self.owed.load()
        for signal in self._signals.values():
            signal.load()

    def write(self, batches: Sequence[Batch], *, owe_facts: bool = False) -> tuple[list[Written], list[Committed]]:
        """One transaction; what was written of each batch, in order, and what to tell listeners.

        With `owe_facts` the facts of spans and logs are noted as owed instead of written.
        """
        written: dict[int, Written] = {}
        news: list[Committed] = []
        fact_seconds = 0.0
        self.make_whole()
        self.connection.execute(statement("begin_writing"))
        self._file.check()
        for name, signal in self._signals.items():
            chosen = [(place, batch) for place, batch in enumerate(batches) if batch.signal == name]
            if not chosen:
                continue
            first_log = self._logs.next_number
            outcomes = signal.write([batch for _, batch in chosen])
            started = time.perf_counter()
            self._add_facts(name, first_log, owe=owe_facts)
            fact_seconds += time.perf_counter() - started
            written.update(zip((place for place, _ in chosen), outcomes, strict=True))
            rows = sum(outcome.stored for outcome in outcomes)
            if rows:
                self.connection.execute(statement("count_rows"), (rows, name))
                note_services(self.connection, name, [batch for _, batch in chosen if batch.rows])
                trace_ids = [trace_id for _, batch in chosen for trace_id in batch.traces]
                news.append(_news(name, rows, trace_ids, first_log, self._logs.next_number - 1))
        started = time.perf_counter()
        self._facts.write(max((batch.received_time for batch in batches), default=0))
        self.fact_seconds = fact_seconds + time.perf_counter() - started
        self.connection.execute(statement("commit_writing"))
        return [written[place] for place in range(len(batches))], news

    def _add_facts(self, signal: str, first_log: int, *, owe: bool) -> None:
        """Spans that took the place of others are never owed: their numbers are not those of the request."""
        if signal == "traces":
            placed = self._traces.placed
            owed = [part for part in placed if not part.repeats and (owe or not part.batch.derived)]
            for part in owed:
                self.owed.owe_spans(part)
            now = [part for part in placed if part not in owed]
            if now:
                self._facts.add_spans(now, self._traces.new_traces, first_log)
        elif signal == "logs":
            for logs in self._logs.placed:
                if owe or not logs.batch.derived:
                    self.owed.owe_logs(logs)
                else:
                    self._facts.add_logs([logs])
        else:
            self._facts.add_points(self._metrics.placed)

    def pay_facts(self) -> None:
        """Works out the oldest piece of what is owed."""
        self.make_whole()
        self.owed.pay(time.time_ns())

    def run(self, work: Callable[[sqlite3.Connection], None]) -> StoreError | None:
        """Does the work in a transaction of its own; what kept it from being done."""
        try:
            self.make_whole()
            self.connection.execute(statement("begin_writing"))
            work(self.connection)
            self.connection.execute(statement("commit_writing"))
        except Exception as error:  # noqa: BLE001  told to who asked
            self.roll_back()
            return refusal(error)
        return None

    def seal_tails(self, before: int) -> None:
        """Describes what has waited in a tail since `before` (ns), so that retention can see it."""
        self.connection.execute(statement("begin_writing"))
        for blocks in self._blocks:
            blocks.seal_if_before(before)
        self.connection.execute(statement("commit_writing"))

    def probe(self) -> StoreError | None:
        """Commits a mark; what a write would meet now."""
        try:
            self.make_whole()
            self.connection.execute(statement("begin_writing"))
            self._file.check()
            self.connection.execute(statement("set_meta"), ("last_probe", str(time.time_ns())))
            self.connection.execute(statement("commit_writing"))
        except Exception as error:  # noqa: BLE001  told to who asked
            self.roll_back()
            return refusal(error)
        return None

    def forget(self) -> None:
        """Maintenance may have removed what is remembered."""
        self._references.forget()
        self._traces.forget()
        self._facts.forget()

    def roll_back(self) -> None:
        """Undoes the open transaction and what was remembered in it; where that fails too, before the next transaction."""
        self._whole = False
        try:
            self.make_whole()
        except Exception as error:  # noqa: BLE001  the fault that led here is the one to tell
            logger.warning("after a failed write the database cannot be read either: %s", error)

    def make_whole(self) -> None:
        """Leaves no transaction open and nothing remembered that is not so; does nothing when no fault came before."""
        if self._whole:
            return
        if self.connection.in_transaction:
            self.connection.execute(statement("roll_back_writing"))
        self._references.forget()
        self.load()
        self._whole = True


def _news(signal: str, rows: int, trace_ids: Sequence[str], first_log: int, last_log: int) -> Committed:
    if signal == "logs":
        return Committed("logs", rows, (), first_log, last_log)
    return Committed("traces" if signal == "traces" else "metrics", rows, trace_ids)
