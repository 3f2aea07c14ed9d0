"""What the writer does with its connection: one transaction a group, and everything that is remembered between them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from storage.contract import Committed
from storage.facts.derive import Deriver
from storage.sqlite.content_counts import count_content
from storage.sqlite.facts.owed import LARGE_TRACE, FactsOwed
from storage.sqlite.facts.stored import StoredFacts
from storage.sqlite.facts.writer import FactWriter
from storage.sqlite.faults import refusal
from storage.sqlite.statements import statement
from storage.sqlite.watched_file import WatchedFile
from storage.sqlite.writing.blocks import Blocks
from storage.sqlite.writing.logs import LogWriter
from storage.sqlite.writing.metrics import MetricWriter
from storage.sqlite.writing.references import References
from storage.sqlite.writing.service_signals import note_services
from storage.sqlite.writing.traces import TraceWriter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from storage.batch import Batch, Written
    from storage.errors import StoreError
    from storage.facts.costs import Prices
    from storage.sqlite.placed import PlacedSpans

logger = logging.getLogger(__name__)

_PAID = object()


class Work:
    """The writing connection and what is remembered beside it."""

    def __init__(self, connection: sqlite3.Connection, prices: Prices | None = None, *, facts: bool = True) -> None:
        self.connection = connection
        self._file = WatchedFile(connection)
        self._whole = True
        self._references = References(connection)
        spans, logs = Blocks(connection, "spans", "span_tail"), Blocks(connection, "logs", "log_tail")
        self._blocks = (spans, logs)
        self._logs = LogWriter(connection, self._references, logs)
        self._traces = TraceWriter(connection, self._references, spans)
        self._metrics = MetricWriter(connection, self._references)
        stored = StoredFacts(connection, Deriver(prices))
        self._facts = FactWriter(connection, stored)
        self._with_facts = facts
        self.owed = FactsOwed(connection, self._facts, stored)
        self.fact_seconds = 0.0
        self._payment: Iterator[None] | None = None
        self._signals: dict[str, TraceWriter | LogWriter | MetricWriter] = {
            "traces": self._traces,
            "logs": self._logs,
            "metrics": self._metrics,
        }

    def load(self) -> None:
        self._payment = None
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
            if self._with_facts:
                self._add_facts(name, first_log, owe=owe_facts)
            fact_seconds += time.perf_counter() - started
            written.update(zip((place for place, _ in chosen), outcomes, strict=True))
            rows = sum(outcome.stored for outcome in outcomes)
            if rows:
                self.connection.execute(statement("count_rows"), (rows, name))
                note_services(self.connection, name, [batch for _, batch in chosen if batch.rows])
                trace_ids = [trace_id for _, batch in chosen for trace_id in batch.traces]
                news.append(_news(name, rows, trace_ids, first_log, self._logs.next_number - 1))
        count_content(self.connection, [batch for place, batch in enumerate(batches) if written[place].stored])
        started = time.perf_counter()
        self._facts.write(max((batch.received_time for batch in batches), default=0))
        self.fact_seconds = fact_seconds + time.perf_counter() - started
        self.connection.execute(statement("commit_writing"))
        return [written[place] for place in range(len(batches))], news

    def _add_facts(self, signal: str, first_log: int, *, owe: bool) -> None:
        if signal == "traces":
            self._add_facts_of_spans(first_log, owe=owe)
        elif signal == "logs":
            self._add_facts_of_logs(owe=owe)
        else:
            self._facts.add_points(self._metrics.placed)

    def _add_facts_of_spans(self, first_log: int, *, owe: bool) -> None:
        """Spans that took the place of others are never owed: their numbers are not those of the request."""
        now = []
        for part in self._traces.placed:
            if not part.repeats and (owe or not part.batch.derived or self._is_costly(part)):
                self.owed.owe_spans(part)
            else:
                now.append(part)
        if now:
            self._payment = None
            self._facts.add_spans(now, self._traces.new_traces, first_log)

    def _is_costly(self, part: PlacedSpans) -> bool:
        """Whether the spans belong to a large trace with facts, which is worked out as a whole."""
        return part.largest_trace > LARGE_TRACE and (bool(part.batch.facts) or self._facts.has_facts(part.batch.traces))

    def _add_facts_of_logs(self, *, owe: bool) -> None:
        for part in self._logs.placed:
            if owe or not part.batch.derived or self._facts.largest(part.trace_ids()) > LARGE_TRACE:
                self.owed.owe_logs(part)
            else:
                self._payment = None
                self._facts.add_logs([part])

    @property
    def is_paying(self) -> bool:
        """Whether facts are being worked out that are owed: until the last step new ones have to be owed too."""
        return self._payment is not None

    def pay_facts(self) -> None:
        """One step, a transaction of some 100 ms at the most, of working out what is owed longest."""
        self.make_whole()
        if self._payment is None:
            self._payment = self.owed.payment(time.time_ns())
        if next(self._payment, _PAID) is _PAID:
            self._payment = None

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
        self._payment = None
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
