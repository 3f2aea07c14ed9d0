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

from storage.errors import StoreBusy, StoreClosed, StoreError
from storage.sqlite.faults import concerns_store, refusal
from storage.sqlite.writing.allowance import PAUSE_SECONDS, Allowance
from storage.sqlite.writing.work import Work

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from storage.batch import Batch, Written
    from storage.contract import Committed
    from storage.facts.costs import Prices

    # Runs on the writer thread with its connection, in transactions of its own making; True when its work is finished.
    Slice = Callable[[sqlite3.Connection], bool]
    _Job = Callable[[Work], bool | None]
    _Probe = Callable[[StoreError | None], None]
    Answers = Sequence[tuple[object, Written | StoreError | None]]

logger = logging.getLogger(__name__)

GROUP_ROWS = 5_000
GROUP_BYTES = 16 * 2**20
# Under steady load maintenance still gets its turn this often.
JOB_EVERY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Bounds of what may wait for a commit. 64 MiB of requests take about three times that in memory.

    Without `work_out_facts` those of all spans and log records stay owed, for the next one who opens the file. Without `facts`
    none are made of what comes.
    """

    max_waiting_rows: int = 200_000
    max_waiting_bytes: int = 64 * 2**20
    work_out_facts: bool = True
    facts: bool = True


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
        prices: Prices | None = None,
    ) -> None:
        self._prices = prices
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
        self._at_rest = False
        # Nothing has come for a while: what is owed is worked out without waiting each time.
        self._in_pause = False
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
    def has_time_for_facts(self) -> bool:
        """Whether what comes now would have its facts written with it. For any thread."""
        return self._settings.facts and self._allowance.would_be_left(at_rest=self._at_rest)

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
            work = Work(connection, self._prices, facts=self._settings.facts)
            work.load()
            self.figures.facts_owed = work.owed.pieces
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
            self._in_pause = False
            self._commit(work, group)
            self._taken = []
        if probes:
            fault = work.probe()
            for answer in probes:
                answer(fault)
        self._pay_facts(work, at_rest=not group)
        # Maintenance would take away what a payment has read.
        if self._jobs and not work.is_paying and (not group or time.monotonic() - self._last_job > JOB_EVERY_SECONDS):
            self._run_job(work)
        return True

    def _wait_for_work(self, work: Work) -> None:
        """Time without work is time for facts; what is owed of them waits for a pause, or for its share."""
        self._allowance.busy_until_now()
        while not (self._waiting or self._jobs or self._probes or self._stopping):
            self._at_rest = True
            came = self._wake.wait(self._patience(work))
            self._at_rest = False
            self._allowance.idle_until_now()
            if not came:
                self._in_pause = True
                return

    def _patience(self, work: Work) -> float | None:
        if not work.owed.pieces:
            return None
        return 0.0 if self._in_pause else PAUSE_SECONDS

    def _owes_facts(self, work: Work, events: int) -> bool:
        return not self._settings.work_out_facts or work.is_paying or not self._allowance.covers(events)

    def _pay_facts(self, work: Work, *, at_rest: bool) -> None:
        if not work.owed.pieces or not self._settings.work_out_facts or not (at_rest or self._allowance.is_left):
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
        events = sum(len(item.batch.facts) for item in group)
        owed = self._owes_facts(work, events)
        try:
            written, news = work.write([item.batch for item in group], owe_facts=owed)
        except Exception as error:  # noqa: BLE001  every kind of fault is sorted there
            self._refuse(work, group, error)
            return
        self._allowance.spend(work.fact_seconds, 0 if owed else events)
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
